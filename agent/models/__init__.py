"""What engines need before they can run: what it is, where it comes from, whether it is here."""
