"""RealtimeTTS's own PiperEngine with its voice given as text, as a configuration can."""

from RealtimeTTS.engines.piper_engine import PiperEngine, PiperVoice


class PiperFile(PiperEngine):
    """Runs the program `piper` for each sentence."""

    def __init__(self, program, model):
        super().__init__(program, PiperVoice(model))
