"""What is not the song: one module for each place dirt lies in, each a tuple of ordered rules for `cleaning`."""
