"""Faults of Python that the versions for which a project is written have for certain; pure."""

import ast
import sys
import warnings

from forge_core.context.python_source import SOURCE_NAME

PythonVersion = tuple[int, int]
"""Major and minor version."""

OLDEST: PythonVersion = (3, 7)
"""The first version whose grammar the parser tells apart."""


def find_python_fault(text: str, oldest: PythonVersion) -> str | None:
    """Say why the oldest Python of a project cannot read a text; None where nobody can tell.

    A project for newer versions than ours may have syntax that we do not know. What ours cannot
    read, no older one reads.

    Args:
        text: A module.
        oldest: The oldest version that the project supports.
    """
    if not OLDEST <= oldest <= sys.version_info[:2]:
        return None
    # As where modules are read for a context: never undone, since threads share the filters.
    warnings.filterwarnings("ignore", module=SOURCE_NAME)
    try:
        ast.parse(text, SOURCE_NAME, feature_version=oldest)
    except SyntaxError as error:
        return f"{error.msg} (line {error.lineno})"
    except (ValueError, RecursionError, MemoryError):
        return None
    return None
