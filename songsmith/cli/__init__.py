"""The command line: parse, one studio call, render."""
