"""Make subliminal learning happen, measure it, and find it in data before training on it."""

__version__ = "0.1.0"
