"""Audio in and out of the process; every transport is a Call."""
