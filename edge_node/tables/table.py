"""Read a CSV or Parquet file into columns, with errors that name file, line, column and value.

Numbers become float64 arrays in which NaN is an empty cell; texts stay lists of ``str``. A column
that the layout does not know is ignored, unless it looks like a misspelt one that is missing.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_node.tables.errors import TableError
from messages.frames import F64

I64 = NDArray[np.int64]
CHUNK_ROWS = 50_000  # cells live as Python strings for one chunk only: about 50 MB at 17 columns
LARGEST_EXACT_INTEGER = 2**53  # float64 holds every integer up to here
NS_PER_S = 1_000_000_000
MISSPELT = 0.8  # difflib ratio: "range" and "range_m" 0.83, "azimuth_rad" and "azimuth_deg" 0.82


@dataclass(frozen=True)
class Layout:
    """The columns that a kind of file may have."""

    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    required: tuple[str, ...]
    number_prefixes: tuple[str, ...] = ()  # e.g. ``class_``: any number of such columns

    def is_number(self, name: str) -> bool:
        """Say whether the column holds numbers of this layout."""
        return name in self.numbers or name.startswith(self.number_prefixes or ("\0",))


@dataclass
class Table:
    """The columns of one file; ``lines`` says where each row stood."""

    path: Path
    lines: I64
    numbers: dict[str, F64] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    line_word: str = "line"

    def __len__(self) -> int:
        return len(self.lines)

    def number(self, name: str) -> F64:
        """Return a number column; all NaN where the file has none."""
        return self.numbers[name] if name in self.numbers else np.full(len(self), np.nan)

    def text(self, name: str) -> list[str]:
        """Return a text column; all empty where the file has none."""
        return self.texts[name] if name in self.texts else [""] * len(self)

    def error(self, row: int, column: str, value: object, rule: str) -> TableError:
        """Return the error for one cell."""
        return TableError(f"{self.path}: {self.line_word} {self.lines[row]}: {column} = {value}: {rule}")

    def require(self, ok: NDArray[np.bool_], column: str, rule: str) -> None:
        """Raise the error of the first row that is not ok."""
        if not ok.all():
            row = int(np.argmin(ok))
            value = self.texts[column][row] if column in self.texts else f"{self.number(column)[row]:g}"
            raise self.error(row, column, "(empty)" if value in ("", "nan") else value, rule)

    def filled(self, name: str) -> F64:
        """Return a number column without an empty cell, or raise."""
        values = self.number(name)
        self.require(~np.isnan(values), name, "must be a number")
        return values

    def integers(self, name: str, low: int) -> I64:
        """Return a column of integers from ``low`` up, or raise."""
        values = self.filled(name)
        ok = (values == np.rint(values)) & (values >= low) & (values <= LARGEST_EXACT_INTEGER)
        self.require(ok, name, f"must be an integer >= {low}")
        return values.astype(np.int64)

    def times_ns(self, name: str) -> I64:
        """Return a column of seconds as integer nanoseconds, or raise."""
        values = self.filled(name)
        self.require((values >= 0.0) & (values <= 4e9), name, "must be within 0..4e9 s")
        return np.rint(values * NS_PER_S).astype(np.int64)


def read_table(path: Path, layout: Layout) -> Table:
    """Return the columns of a ``.csv`` or ``.parquet`` file, or raise TableError."""
    if not path.is_file():
        raise TableError(f"{path}: no such file")
    return _read_parquet(path, layout) if path.suffix == ".parquet" else _read_csv(path, layout)


def _read_csv(path: Path, layout: Layout) -> Table:
    parts: dict[str, list[Any]] = {}
    lines: list[int] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, skipinitialspace=True, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            check_header(path, header, layout)
            for rows, chunk_lines in _chunks(path, reader, len(header)):
                lines.extend(chunk_lines)
                for name, cells in zip(header, zip(*rows, strict=True), strict=True):
                    if layout.is_number(name):
                        parts.setdefault(name, []).append(_to_numbers(path, name, cells, chunk_lines))
                    elif name in layout.texts:
                        parts.setdefault(name, []).extend(cells)
        except (csv.Error, UnicodeDecodeError) as error:
            raise TableError(f"{path}: line {reader.line_num}: not a CSV text file in UTF-8: {error}") from None
    table = Table(path, np.array(lines, dtype=np.int64))
    for name in header:
        if layout.is_number(name):
            table.numbers[name] = np.concatenate(parts[name]) if name in parts else np.empty(0)
        elif name in layout.texts:
            table.texts[name] = parts.get(name, [])
    return table


def _chunks(path: Path, reader: Any, width: int) -> Iterator[tuple[list[list[str]], list[int]]]:
    rows: list[list[str]] = []
    lines: list[int] = []
    for row in reader:
        if not row:
            continue
        if len(row) != width:
            raise TableError(f"{path}: line {reader.line_num}: {len(row)} cells: must be {width}, as in the header")
        rows.append(row)
        lines.append(reader.line_num)
        if len(rows) == CHUNK_ROWS:
            yield rows, lines
            rows, lines = [], []
    if rows:
        yield rows, lines


def _to_numbers(path: Path, name: str, cells: Sequence[str], lines: Sequence[int]) -> F64:
    try:
        values = np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        row = next(i for i, cell in enumerate(cells) if not _is_number(cell))
        raise TableError(f"{path}: line {lines[row]}: {name} = {cells[row]}: must be a number") from None
    if np.isinf(values).any():
        row = int(np.argmax(np.isinf(values)))
        raise TableError(f"{path}: line {lines[row]}: {name} = {cells[row]}: must be finite")
    return values


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True


def check_header(path: Path, header: Sequence[str], layout: Layout) -> None:
    """Raise where a column is missing, doubled, or looks like a misspelt one."""
    known = (*layout.texts, *layout.numbers)
    absent = [name for name in known if name not in header]
    for name in header:
        if header.count(name) > 1:
            raise TableError(f"{path}: column {name} stands {header.count(name)} times in the header: must be once")
        if name and name not in known and not layout.is_number(name):
            close = difflib.get_close_matches(name, absent, 1, MISSPELT)
            if close:
                raise TableError(f"{path}: column {name}: unknown; did you mean {close[0]}?")
    for name in layout.required:
        if name not in header:
            raise TableError(f"{path}: column {name} is missing: must have {', '.join(layout.required)}")


def pyarrow(path: Path, module: str) -> Any:
    """Import a module of the optional pyarrow, or raise what to do."""
    try:
        import importlib

        return importlib.import_module(module)
    except ImportError:
        raise TableError(
            f"{path}: Parquet needs the optional package pyarrow: pip install 'vedette[parquet]', or use .csv"
        ) from None


def _read_parquet(path: Path, layout: Layout) -> Table:
    arrow = pyarrow(path, "pyarrow")
    try:
        data = pyarrow(path, "pyarrow.parquet").read_table(path)
    except (arrow.ArrowInvalid, OSError) as error:
        raise TableError(f"{path}: not a readable Parquet file: {error}") from None
    check_header(path, data.column_names, layout)
    table = Table(path, np.arange(1, data.num_rows + 1), line_word="row")
    for name in data.column_names:
        column = data.column(name)
        if layout.is_number(name):
            table.numbers[name] = _parquet_numbers(arrow, table, name, column)
        elif name in layout.texts:
            table.texts[name] = [value or "" for value in column.cast(arrow.string()).to_pylist()]
    return table


def _parquet_numbers(arrow: Any, table: Table, name: str, column: Any) -> F64:
    try:
        values = np.array(column.cast(arrow.float64()).to_numpy(), dtype=np.float64)
    except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError):
        raise TableError(f"{table.path}: column {name} is of type {column.type}: must be a number") from None
    if np.isinf(values).any():
        raise table.error(int(np.argmax(np.isinf(values))), name, "inf", "must be finite")
    return values
