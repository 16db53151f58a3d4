"""Logits processors: everything that masks, biases or penalises the next token of a sequence, one file each."""
