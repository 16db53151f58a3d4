"""Use cases that combine the other packages; the command line and the terminal interface call these."""
