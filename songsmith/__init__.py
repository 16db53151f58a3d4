"""songsmith: write songs in your terminal with a language model you own."""

__version__ = "0.1.0"
