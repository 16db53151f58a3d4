"""Train a model on a corpus, into a model directory."""
