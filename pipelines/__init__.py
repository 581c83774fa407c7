"""Sound to sound, two ways behind one protocol: a cascade of engines, or one duplex model."""
