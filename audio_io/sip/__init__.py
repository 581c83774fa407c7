"""A telephone of its own: SIP signalling, and calls over it."""
