"""The scheduler in a child process, so that no import, model or crash holds up whoever asks for takes."""
