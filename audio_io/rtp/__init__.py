"""Sound and keys as packets, for telephones."""
