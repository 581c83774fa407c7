"""Asterisk's two ways to a program: AudioSocket and chan_websocket."""
