"""Calls and sums over calls as text, whatever run they belong to; pure."""
