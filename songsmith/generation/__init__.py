"""Model to takes: sampling, stopping, and the text that comes out."""
