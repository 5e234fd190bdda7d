"""The command line: each verb parses, calls the engine, and shows what it returns."""
