"""The conversation: a pure core that decides, and a shell that waits."""
