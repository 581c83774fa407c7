"""Moshi's own wire protocol."""
