"""What harmless data and surrogate teachers look like; `calibration.py` has the order of work."""
