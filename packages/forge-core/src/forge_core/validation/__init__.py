"""Checks that the files of an attempt must pass: lint, format, tests."""
