"""Delivery: claim, sending, settle; at most once, and nothing lost silently."""
