"""The scheduler in a child process, so that no import, model or crash blocks its client."""
