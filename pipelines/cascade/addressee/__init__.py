"""Is it the caller who speaks, and to the agent? From sound alone, while it lasts."""
