"""What `songsmith bench` measures: songsmith and the alternatives to it, on the same machine and weights."""
