"""Prices of models: genai-prices, and what it said kept on disk.

Importing the library takes longer than most commands. What it says of a model holds as long as its
data does, so that it is kept by the data's version, the provider and the model, and the library is
imported only for a model that was never asked for.

See D61.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields, replace
from datetime import date, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forge_core.pricing.rates import ModelKey, Period, Rate, Schedule, UnitPrices
from forge_core.state_dir.locate import locate_base

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, PriceVariant, TieredPrices

DISTRIBUTION = "genai-prices"

MOST_KEPT = 500
"""Models kept on disk; names come from answers, so that there may be any number."""

PRICE_KEYS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "reasoning": "output_reasoning_mtok",
    "input_audio": "input_audio_mtok",
    "output_audio": "output_audio_mtok",
    "cached_audio": "cache_audio_read_mtok",
    "input_image": "input_image_mtok",
    "output_image": "output_image_mtok",
    "request": "requests_kcount",
}
"""The library's names of our prices; its others are for videos, pages and searches."""

TIERS = {
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
    ("processing", "batch"): "batch",
}
"""Tiers of service by the circumstances under which the library has other prices."""


def get_data_version() -> str:
    """Return the version of the price data."""
    from importlib.metadata import version  # noqa: PLC0415 - slow, and often not needed

    return version(DISTRIBUTION)


def load_schedules(keys: Sequence[ModelKey]) -> dict[ModelKey, Schedule | None]:
    """Find the prices of some models; None for one that nobody knows.

    Nothing is raised: what cannot be found, read or kept is unknown, or asked for again.
    """
    data_version = get_data_version()
    path = get_cache_path(os.environ)
    schedules = _read(path, data_version) if path is not None else {}
    missing = [key for key in keys if key not in schedules]
    if missing:
        schedules = _bound(schedules, keys) | {key: look_up(key) for key in missing}
        if path is not None:
            _write(path, data_version, schedules)
    return {key: schedules[key] for key in keys}


def get_cache_path(environ: Mapping[str, str]) -> Path | None:
    """Return where prices are kept: `forge/prices.json` below `XDG_CACHE_HOME` or `~/.cache`.

    None where neither variable names an absolute path.
    """
    base = locate_base("XDG_CACHE_HOME", ".cache", environ, environ.get("HOME"))
    return None if base is None else base / "forge" / "prices.json"


def look_up(key: ModelKey) -> Schedule | None:
    """Ask genai-prices for the prices of a model; None where it does not know it."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - slow
    from genai_prices.types import ModelPrice  # noqa: PLC0415

    provider, model = key
    try:
        model_info = calc_price(Usage(), model, provider_id=provider or None).model
        prices = model_info.prices
        if isinstance(prices, ModelPrice):
            usual = [Period(_convert_prices(prices))]
        else:
            usual = [_convert_period(price.prices, price.constraint) for price in prices]
        return (*usual, *_list_tiers(model_info.price_variants or ()))
    except (LookupError, ValueError):
        return None


def _list_tiers(variants: "Iterable[PriceVariant]") -> Iterator[Period]:
    """List the prices of tiers, the one that counts first; other circumstances are unknown here."""
    for variant in variants:
        circumstances = [TIERS.get(pair) for pair in variant.when.items()]
        if len(circumstances) == 1 and circumstances[0] is not None:
            period = _convert_period(variant.prices, variant.constraint)
            yield replace(period, tier=circumstances[0])


def _convert_period(price: "ModelPrice", constraint: object) -> Period:
    from genai_prices.types import StartDateConstraint, TimeOfDateConstraint  # noqa: PLC0415

    prices = _convert_prices(price)
    if isinstance(constraint, StartDateConstraint):
        return Period(prices, since=constraint.start_date)
    if isinstance(constraint, TimeOfDateConstraint):
        return Period(prices, hours=(_in_utc(constraint.start_time), _in_utc(constraint.end_time)))
    return Period(prices)


def _in_utc(clock: time) -> time:
    """Drop the zone of a time of day, which is UTC throughout the library's data."""
    offset = clock.utcoffset()
    if offset:
        raise ValueError(f"a price's time of day {clock} is not in UTC")
    return clock.replace(tzinfo=None)


def _convert_prices(price: "ModelPrice") -> UnitPrices:
    return UnitPrices(**{name: _convert(getattr(price, key)) for name, key in PRICE_KEYS.items()})


def _convert(price: "Decimal | TieredPrices | None") -> Rate | None:
    if price is None or isinstance(price, Decimal):
        return None if price is None else ((0, price),)
    return ((0, price.base), *((tier.start, tier.price) for tier in price.tiers))


def _bound(
    schedules: dict[ModelKey, Schedule | None], keys: Sequence[ModelKey]
) -> dict[ModelKey, Schedule | None]:
    if len(schedules) < MOST_KEPT:
        return schedules
    return {key: schedule for key, schedule in schedules.items() if key in keys}


def _read(path: Path, data_version: str) -> dict[ModelKey, Schedule | None]:
    """Read what is kept of this version; nothing where the file is missing or damaged."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != data_version:
            return {}
        return {
            (entry["provider"], entry["model"]): _load_schedule(entry["periods"])
            for entry in document["models"]
        }
    except (OSError, ValueError, KeyError, TypeError, IndexError, InvalidOperation):
        return {}


def _load_schedule(periods: list[dict[str, Any]] | None) -> Schedule | None:
    return None if periods is None else tuple(_load_period(period) for period in periods)


def _load_period(period: dict[str, Any]) -> Period:
    since, hours = period["since"], period["hours"]
    prices = {
        name: tuple((int(start), Decimal(price)) for start, price in rate)
        for name, rate in period["prices"].items()
        if rate and name in {field.name for field in fields(UnitPrices)}
    }
    return Period(
        UnitPrices(**prices),
        since=date.fromisoformat(since) if since else None,
        hours=(time.fromisoformat(hours[0]), time.fromisoformat(hours[1])) if hours else None,
        tier=period["tier"],
    )


def _write(path: Path, data_version: str, schedules: Mapping[ModelKey, Schedule | None]) -> None:
    """Replace the file as a whole; a disk that does not take it costs the next command time."""
    from forge_core.files.private import make_private, replace_private  # noqa: PLC0415 - for new prices only

    models = [
        {"provider": provider, "model": model, "periods": _dump_schedule(schedule)}
        for (provider, model), schedule in schedules.items()
    ]
    text = json.dumps({"version": data_version, "models": models}, default=str)
    with suppress(OSError):
        make_private(path.parent)
        replace_private(path, text.encode())


def _dump_schedule(schedule: Schedule | None) -> list[dict[str, Any]] | None:
    return None if schedule is None else [asdict(period) for period in schedule]
