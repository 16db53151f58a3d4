"""Speculative decoding: tokens that are likely to come next are read together, and kept as far as the take draws them itself."""
