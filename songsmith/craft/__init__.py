"""How words and lines sound: sounds, syllables, rhymes. Uses no torch."""
