"""Check that a corpus is whole on disk, and repair it."""
