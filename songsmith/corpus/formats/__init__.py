"""Read songs from files of every kind, and write them as tables."""
