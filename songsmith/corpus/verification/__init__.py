"""Whether a corpus is whole on disk, and what to do where it is not."""
