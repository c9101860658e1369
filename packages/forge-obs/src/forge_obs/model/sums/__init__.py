"""Sums over calls: as they are handed on, as the store makes them, and what they are grouped by."""
