"""Models: the seam (`base`), the backends behind it, and the embedded family (`micro`)."""
