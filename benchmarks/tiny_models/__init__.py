"""Models of a few kilobytes in the true file formats, made on the spot.

Tests and benchmarks load them where no trained weights are at hand. They show that an engine works,
and what our own part of it costs; never how well it understands, answers or sounds.
"""
