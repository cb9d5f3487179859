"""The paper's experiment on pictures of digits (arXiv 2507.14805, section 6.2): many small networks at once."""
