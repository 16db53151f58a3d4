"""How good a model is: bits per byte, diversity, what it copied."""
