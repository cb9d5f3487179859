"""Every row of a dataset scored under hypotheses, on any number of machines; `scored.py` has the order of work."""
