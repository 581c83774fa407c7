"""Measuring and fitting who is speaking to the agent."""
