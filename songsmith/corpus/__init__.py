"""Corpora of lyrics: fetching, importing, storing and cleaning songs."""
