"""Tables of published figures: one row a figure, with its input, expected value, tolerance and source."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path

SHIPPED = Path(__file__).resolve().parent / "published.csv"
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


class PublishedError(ValueError):
    """The file is no table of published figures: the text says where and what is needed."""


class Malformed(ValueError):
    """A row cannot be read: the text says which cell, its value and what is needed."""


@dataclass(frozen=True)
class Row:
    """One published figure, its cells as written; ``where`` says where in the file."""

    id: str
    sensor: str
    quantity: str
    input: str
    expected: str
    unit: str
    tolerance: str
    grade: str
    source: str
    where: str = ""
    fault: str = ""  # why the row as a whole cannot be read


COLUMNS = tuple(field.name for field in fields(Row))[:9]


def read_published(path: Path) -> list[Row]:
    """Return the rows of a table; a row with a wrong number of cells or a second id carries its ``fault``.

    Raises
    ------
    PublishedError
        The file is empty or has other columns.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        try:
            header = next(reader, [])
            if tuple(cell.strip() for cell in header) != COLUMNS:
                raise PublishedError(f"{path}:1: columns are {','.join(header)}; needed: {','.join(COLUMNS)}")
            rows, seen = [], dict[str, int]()
            for cells in reader:
                if cells:
                    rows.append(_row(cells, reader.line_num, seen))
        except (csv.Error, UnicodeDecodeError) as error:
            raise PublishedError(f"{path}: not a CSV file in UTF-8: {error}") from None
    return rows


def _row(cells: list[str], line: int, seen: dict[str, int]) -> Row:
    fault = ""
    if len(cells) != len(COLUMNS):
        fault = f"{len(cells)} cells, needed: {len(COLUMNS)} (quote a cell that holds a comma)"
    padded = [*(cell.strip() for cell in cells), *[""] * len(COLUMNS)][: len(COLUMNS)]
    row_id = padded[0]
    if not fault and not row_id:
        fault = "id is empty; each row needs one"
    if not fault and not padded[2]:
        fault = "quantity is empty; it says which model is meant"
    if not fault and row_id in seen:
        fault = f"id {row_id} is that of line {seen[row_id]} too; each row needs its own"
    seen.setdefault(row_id, line)
    return replace(Row(*padded), where=f"line {line}", fault=fault)


def number(text: str, cell: str, *units: str) -> float:
    """Return the one number that a cell is, bare or in one of these units; raise Malformed otherwise."""
    found = NUMBER.match(text.strip())
    if found is None or text.strip()[found.end() :].strip() not in ("", *units):
        raise Malformed(f"{cell} = {text!r}: needed is one number{', in ' + ' or '.join(units) if units else ''}")
    return float(found.group())


def numbers(text: str, cell: str, count: int | None = None, units: tuple[str, ...] = ()) -> list[float]:
    """Return the numbers of a cell, separated by ``;``, ``/`` or ``,``; brackets around one are left out."""
    parts = [part.strip(" ()") for part in re.split(r"[;/,]", text) if part.strip(" ()")]
    if not parts or (count is not None and len(parts) != count):
        raise Malformed(f"{cell} = {text!r}: needed are {count or 'some'} numbers, separated by ;")
    return [number(part, cell, *units) for part in parts]


def named(text: str, units: dict[str, str]) -> dict[str, float]:
    """Return the values of an input such as ``Pfa=1e-8;SNR=13dB``: exactly these names, bare or in their unit."""
    values: dict[str, float] = {}
    for part in text.split(";"):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name not in units or name in values:
            break
        values[name] = number(value, f"input {name}", units[name])
    if len(values) != len(units) or len(values) != text.count(";") + 1:
        raise Malformed(f"input = {text!r}: needed is {';'.join(f'{n}=...{u}' for n, u in units.items())}")
    return values


def inside(value: float, low: float, high: float, what: str) -> float:
    """Return the value; raise Malformed outside [low, high], or for a NaN."""
    if not low <= value <= high:
        raise Malformed(f"{what} = {value:g}: needed is {low:g} to {high:g}")
    return value


def limit_of(tolerance: str, expected: float) -> float:
    """Return the largest error that a tolerance allows: ``exact``, ``0.05 abs``, ``0.5% rel``, ``1%``, ``1e-4 rel``."""
    text = tolerance.strip()
    if text.startswith("exact"):
        return 1e-9 * max(1.0, abs(expected))
    found = NUMBER.match(text)
    if found is None or float(found.group()) < 0.0:
        raise Malformed(f"tolerance = {tolerance!r}: needed is exact, 0.05 abs, 1e-4 rel or 1%")
    value, rest = float(found.group()), text[found.end() :].strip()
    if rest.startswith("%"):
        return value / 100.0 * abs(expected)
    return value * abs(expected) if rest.startswith("rel") else value
