"""Kinds of options that several commands have."""

from typing import Annotated

from cyclopts import Parameter

Switch = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option without a value."""

Choice = Annotated[bool | None, Parameter(show_default=False, n_tokens=0)]
"""A switch and its opposite; None where neither was given, so that a file may say it.

Without `n_tokens` the completion of shells takes it for one with a value.
"""
