"""From a plan to results: each stage reads the journal before it and leaves one of its own."""
