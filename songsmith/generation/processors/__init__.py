"""Logits processors: what masks, biases or penalises the next token of a sequence, one file each."""
