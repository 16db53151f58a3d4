"""Sites with lyrics: asked politely, one request a call."""
