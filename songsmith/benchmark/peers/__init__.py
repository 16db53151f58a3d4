"""What a person could use instead: each module loads a model into one peer, and imports it only where it is used."""
