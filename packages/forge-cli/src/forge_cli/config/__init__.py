"""Configuration files and environment, and where each setting comes from."""
