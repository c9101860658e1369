"""Files in Apache Parquet's format; pyarrow is an extra. See D92."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from forge_core.errors import UsageError
from forge_obs import Interaction, Run

ROWS_A_GROUP = 5_000
"""Rows that are compressed together."""

BYTES_A_GROUP = 64_000_000
"""Characters of text from which on a group ends earlier."""


class ParquetFile:
    """A file of one table.

    Args:
        directory: Where it stands.
        name: Its name, without what it ends in.
        shape: The class of its rows.

    Raises:
        UsageError: The extra is not installed.
    """

    def __init__(self, directory: Path, name: str, shape: type[Run] | type[Interaction]) -> None:
        try:
            import pyarrow  # noqa: PLC0415 - of an extra
            import pyarrow.parquet  # noqa: PLC0415
        except ImportError as error:
            raise UsageError("--parquet needs the extra: install forge-cli[parquet]") from error
        self._arrow = pyarrow
        types: Mapping[Any, Any] = {
            str: pyarrow.string(),
            int: pyarrow.int64(),
            float: pyarrow.float64(),
            bool: pyarrow.bool_(),
            datetime: pyarrow.timestamp("us", tz="UTC"),
        }
        columns = [(field.name, _choose(types, field.type)) for field in fields(shape)]
        self._schema = pyarrow.schema([*columns, ("cost_usd", pyarrow.float64())])
        self._writer = pyarrow.parquet.ParquetWriter(
            directory / f"{name}.parquet", self._schema, compression="zstd"
        )
        self._rows: list[Sequence[object]] = []
        self._size = 0

    def write(self, values: Sequence[object]) -> None:
        """Add a row."""
        self._rows.append([float(v) if isinstance(v, Decimal) else v for v in values])
        self._size += sum(len(value) for value in values if isinstance(value, str))
        if len(self._rows) >= ROWS_A_GROUP or self._size >= BYTES_A_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        columns = [list(column) for column in zip(*self._rows, strict=True)]
        if columns:
            arrays = [
                self._arrow.array(column, type=field.type)
                for column, field in zip(columns, self._schema, strict=True)
            ]
            self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._rows, self._size = [], 0


def _choose(types: Mapping[Any, Any], annotation: Any) -> Any:  # noqa: ANN401
    return next(arrow for kind, arrow in types.items() if annotation in {kind, kind | None})
