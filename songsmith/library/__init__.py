"""Saved songs, with every take that they grew from."""
