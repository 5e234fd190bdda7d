"""The run folder: plain files that are appended to or replaced whole, never edited."""
