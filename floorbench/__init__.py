"""Measures any voice agent by ear: from two recorded channels and what was really said when."""
