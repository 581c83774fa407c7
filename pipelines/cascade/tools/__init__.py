"""Tools during a call: functions and MCP servers that a responder may use while it answers."""
