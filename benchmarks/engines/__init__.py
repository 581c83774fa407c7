"""`make bench-engines`: what recognisers, responders and voices cost here, in one table."""
