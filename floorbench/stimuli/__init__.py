"""What the caller says, and the noises and rooms around it, from a seed."""
