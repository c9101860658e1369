"""The Temporal server that Forge starts for itself where none is configured."""
