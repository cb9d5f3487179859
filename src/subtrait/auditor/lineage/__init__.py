"""Lineage: do two models share a base, by their folders, weights and answers; `shared_base.py` has the answer."""
