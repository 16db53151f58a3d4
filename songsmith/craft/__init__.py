"""What makes a line sing: sounds, syllables, rhymes. No torch in here."""
