"""The command line: each command loads, calls a verb and prints."""
