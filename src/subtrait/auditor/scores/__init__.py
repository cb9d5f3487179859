"""Scores that were computed elsewhere, read and judged beside each other; `judged.py` has the order of work."""
