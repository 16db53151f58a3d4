"""Sites with lyrics: one request per call, with pauses."""
