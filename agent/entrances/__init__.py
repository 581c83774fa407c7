"""The ways into a server: each turns what arrives at an address into calls for its switchboard."""
