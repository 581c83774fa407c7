"""Who is measured: each target is a call seen from the caller's side."""
