"""What a model is: network, tokenizer, and the directory they live in."""
