"""Origin: who wrote these rows, by what they look like beside models and programs; `relation.py` has the answer."""
