"""Is the turn over? Words, the melody of their end, silence and the caller's own habit, summed."""
