"""Writing with a model: scheduling, sampling, stopping, and the text that results."""
