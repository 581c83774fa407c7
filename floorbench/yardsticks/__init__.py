"""The scoring rules of public yardsticks as pure functions, each with its source and its date."""
