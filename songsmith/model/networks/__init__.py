"""Executors: what runs a network that is described by a spec."""
