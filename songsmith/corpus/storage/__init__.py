"""Corpora on disk: raw songs, clean songs, and indexes and notes about them."""
