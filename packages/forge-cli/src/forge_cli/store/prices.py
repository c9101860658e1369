"""Prices of the models that answered calls, as forge_core finds them.

See D61.
"""

from collections.abc import Iterable

from forge_core.pricing.catalogue import get_data_version, load_schedules
from forge_core.pricing.rates import Schedule, list_model_keys
from forge_obs import CallSum, Interaction

from forge_cli.views.costs import Prices, list_models


def load_prices(calls: Iterable[Interaction | CallSum]) -> Prices:
    """Find the prices of the models that answered some calls.

    Nothing is raised: what cannot be found, read or kept is unknown, or asked for again.
    """
    keys = list_models(calls)
    return Prices(get_data_version(), load_schedules(keys)) if keys else Prices()


def extend_prices(prices: Prices, call: Interaction | CallSum) -> Prices:
    """Add the prices of a call's model, if they are not known yet, or of those of several calls."""
    if prices.schedules.keys() >= set(list_models([call])):
        return prices
    more = load_prices([call])
    return Prices(more.version, {**prices.schedules, **more.schedules})


def load_schedule(model: str) -> Schedule | None:
    """Find the prices of a model by its name, with or without provider:; None if nobody knows."""
    keys = list(list_model_keys(model, None))
    return next(filter(None, load_schedules(keys).values()), None)
