"""Checks that the files of an attempt must pass: lint, format, tests."""

from forge_core.validation.checks import validate_files

__all__ = ["validate_files"]
