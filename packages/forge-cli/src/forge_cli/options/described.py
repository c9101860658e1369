"""Options that stand for fields of forge_core's models, described by them."""

from cyclopts import Parameter
from cyclopts.validators import Number

from forge_cli.config.model_fields import get_field
from forge_cli.options.types import parse_whole

BOUNDS = {"ge": "gte", "gt": "gt", "le": "lte", "lt": "lt"}
"""Names of bounds in the library, by those that models have."""


def described(key: str, *, more: str = "", default: str = "", help: str = "") -> Parameter:  # noqa: A002 - the library's word
    """Describe an option that stands for a field of a model: its help, default and bounds.

    Args:
        key: The field, as `table.name`.
        more: Help that only the command line needs.
        default: What happens without the option, where the model does not say so.
        help: What takes the place of the model's.
    """
    field = get_field(key)
    if not default and field.default not in (None, (), False):
        default = "on" if field.default is True else str(field.default)
    sentences = (help or field.help, more, f"[default: {default}]" if default else "")
    return Parameter(
        help=" ".join(filter(None, sentences)),
        show_default=False,
        converter=parse_whole if field.is_whole else None,
        validator=Number(**{BOUNDS[name]: bound for name, bound in field.bounds.items()})
        if field.bounds
        else None,
    )


def described_paths(key: str) -> Parameter:
    """Describe an option that may be given several times."""
    repeatable = Parameter(negative="")
    return Parameter.combine(described(key, more="May be given several times."), repeatable)
