"""From sessions to figures: what every event came to, and what all of them add up to. Pure."""
