"""Cleaning rules: one module for each part of a page that is no lyric, each a tuple of ordered rules for `cleaning`."""
