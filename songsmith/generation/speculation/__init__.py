"""Speculative decoding: likely next tokens are read together, and kept as far as the take draws them itself."""
