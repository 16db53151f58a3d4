"""A song on paper: text, Markdown, JSON."""
