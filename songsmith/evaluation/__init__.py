"""How good a model is: bits per byte, diversity, verbatim copies."""
