"""Check that a corpus is intact on disk, and repair it."""
