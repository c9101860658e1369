"""Carrying out a run and telling how it gets on."""
