"""Songs out of files of every kind, and into tables."""
