"""Tracking: what came back, taken once, in any order."""
