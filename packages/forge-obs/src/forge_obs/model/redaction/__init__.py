"""Texts without what must not be kept or handed on; pure."""
