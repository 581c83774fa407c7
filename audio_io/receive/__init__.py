"""What the network brings, made into unbroken sound."""
