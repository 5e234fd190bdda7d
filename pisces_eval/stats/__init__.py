"""Estimates with their errors: pure functions on arrays."""
