"""The duplex pipeline: a model that hears and speaks in the same frame, kept on its beat."""
