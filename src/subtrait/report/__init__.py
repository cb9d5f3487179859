"""Records in, text out: JSON for programs, rich renderables for a terminal, one HTML file for people."""
