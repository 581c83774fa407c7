"""Voice activity, recognition, responder and synthesis, joined by the turn machine."""
