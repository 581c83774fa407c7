"""The configuration of an agent that needs nothing: scripts in the place of engines."""

SCRIPTED = """
name = "A tone"
[detector]
engine = "energy"
[recognizer]
engine = "scripted"
words = [{start_s = 2.2, end_s = 3.0, text = "hours"}]
[predictor]
engine = "completeness"
[responder]
engine = "scripted"
replies = ["Good morning.", "From nine to five."]
[synthesizer]
engine = "scripted"
"""
