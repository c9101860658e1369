"""Keeps count of what is in the kitchen."""
