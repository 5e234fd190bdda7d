"""Answer extraction and metrics that tasks share, one idea a file."""
