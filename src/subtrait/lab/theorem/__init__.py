"""Lemma 1 and Theorem 1 of arXiv 2507.14805 in numbers: where one small step transmits, and where that stops."""
