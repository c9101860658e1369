"""Measurements behind the project's claims, each a ratio taken side by side in one run."""
