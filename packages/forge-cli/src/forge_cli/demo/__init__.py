"""The demonstration: a small repository and the answers of a scripted model."""
