"""Segments: named questions about customers, compiled to one pass over the features."""
