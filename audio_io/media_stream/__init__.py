"""Telephone providers that open a WebSocket to us."""
