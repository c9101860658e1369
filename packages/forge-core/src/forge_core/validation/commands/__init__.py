"""Checks by commands that a user names: mended, judged, and judged beside what stood before."""
