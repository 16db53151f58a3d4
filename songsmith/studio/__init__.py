"""Use cases that join rooms; every face calls these."""
