"""Temporal: the connection, the embedded server, the worker, starting runs."""
