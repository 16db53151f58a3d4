"""Corpora on disk: raw songs, clean ones, and what is known of both."""
