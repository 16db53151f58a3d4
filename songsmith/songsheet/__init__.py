"""Songs as documents: text, Markdown, JSON."""
