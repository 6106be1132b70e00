"""Write columns as CSV or Parquet: the same bytes for the same numbers, and never half a file.

Floats are written in the shortest form that reads back to the same float64; NaN as an empty cell.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_node.tables.errors import TableError
from edge_node.tables.table import I64, NS_PER_S, pyarrow
from messages.frames import F64

Columns = Mapping[str, "NDArray[Any] | Sequence[str]"]
ROWS_AT_ONCE = 50_000  # bounds the text held in memory
_encoder = msgspec.json.Encoder()
_NEEDS_QUOTES = frozenset(',"\r\n')


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside ``path`` that takes its name only when all went well."""
    if not path.parent.is_dir():
        raise TableError(f"{path}: folder {path.parent} does not exist: make it first")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with atomic_write(path) as file:
        file.write(text.encode())


def seconds(t_ns: I64) -> F64:
    """Return nanoseconds as float seconds (exact to the nanosecond up to 104 days)."""
    return np.asarray(t_ns / NS_PER_S, dtype=np.float64)


def write_table(path: Path, columns: Columns) -> None:
    """Write columns of equal length to ``.csv`` or ``.parquet``; NaN becomes an empty cell or a null."""
    if path.suffix == ".parquet":
        _write_parquet(path, columns)
        return
    n = len(next(iter(columns.values())))
    with atomic_write(path) as file:
        file.write(",".join(columns).encode() + b"\n")
        for start in range(0, n, ROWS_AT_ONCE):
            cells = [_cells(column[start : start + ROWS_AT_ONCE]) for column in columns.values()]
            file.writelines(b",".join(row) + b"\n" for row in zip(*cells, strict=True))


def _cells(column: NDArray[Any] | Sequence[str]) -> list[bytes]:
    """Return the CSV cells of a column: numbers through the JSON encoder (shortest exact form, fast)."""
    if not isinstance(column, np.ndarray):
        return [quoted(text).encode() for text in column]
    if column.dtype == np.bool_:
        column = column.astype(np.int64)
    text = _encoder.encode(column.tolist())[1:-1]
    cells = text.split(b",") if text else []
    return [b"" if cell == b"null" else cell for cell in cells] if b"null" in text else cells


def quoted(text: str) -> str:
    """Return a CSV cell, in quotes where it needs them."""
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.intersection(text) else text


def _write_parquet(path: Path, columns: Columns) -> None:
    arrow, parquet = pyarrow(path, "pyarrow"), pyarrow(path, "pyarrow.parquet")
    arrays = {
        name: arrow.array(column, from_pandas=True)
        if isinstance(column, np.ndarray)
        else arrow.array(list(column), type=arrow.string())
        for name, column in columns.items()
    }
    with atomic_write(path) as file:
        parquet.write_table(arrow.table(arrays), file)
