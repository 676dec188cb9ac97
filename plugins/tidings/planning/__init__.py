"""Planning: who gets what and when, and why everyone else does not."""
