"""What `songsmith bench` measures: songsmith beside what a person could use instead, on the same machine and weights."""
