"""Cleaning rules: a module for each part of a page that is not lyrics, with an ordered tuple of rules."""
