"""Faults of TOML 1.1, of which 1.0 is a part; pure."""

import tomli


def find_toml_fault(text: str) -> str | None:
    """Say why a text is no TOML; None where it is."""
    try:
        tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        return str(error)
    return None
