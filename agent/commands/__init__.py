"""What each command of `parley` does."""
