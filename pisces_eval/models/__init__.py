"""Adapters of models under test, one module each; a module's MODEL says how to name and load it."""
