"""pisces-eval: one harness for models that see and draw."""

__version__ = "0.1.0"
