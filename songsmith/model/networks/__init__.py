"""Executors: what runs a network that a spec describes."""
