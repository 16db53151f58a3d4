"""The alternatives to songsmith: each module loads a model into one of them, and imports it only where it is used."""
