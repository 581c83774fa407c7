"""Our own voice, taken out of what the caller's microphone hears."""
