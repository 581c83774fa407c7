"""The browser client, looked at."""
