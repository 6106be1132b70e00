"""What a check of one figure came to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from re import Pattern
from typing import Literal, NamedTuple

from benchmarks.validation.published import Row

Status = Literal["ok", "MISSED", "MALFORMED", "not judged", "no data", "not modelled"]


class Result(NamedTuple):
    """Expected, got and limit as text, and whether the one is within the limit of the other."""

    expected: str
    got: str
    limit: str
    ok: bool


@dataclass(frozen=True)
class Verdict:
    """One line of the table; ``note`` is the source, the reason or the fault."""

    id: str
    quantity: str
    status: Status
    expected: str = ""
    got: str = ""
    limit: str = ""
    note: str = ""


class NoData(Exception):
    """The check needs a recording that is not there: the text says which and how to give it."""


@dataclass(frozen=True)
class Quantity:
    """A quantity that a model computes: rows whose ``quantity`` matches ``pattern`` are checked by ``check``.

    ``check(row, recordings)`` raises Malformed for cells that it cannot read and NoData without its recording.
    """

    name: str
    pattern: Pattern[str]
    input: str
    check: Callable[[Row, Path | None], Result]


def close(expected: float, got: float, limit: float, unit: str = "") -> Result:
    """Return the result of comparing two numbers; NaN is a miss."""
    return Result(f"{expected:.6g} {unit}".strip(), f"{got:.6g}", f"{limit:.2g}", abs(got - expected) <= limit)


def judged(row_id: str, quantity: str, result: Result, note: str = "") -> Verdict:
    """Return the verdict that a result means."""
    return Verdict(row_id, quantity, "ok" if result.ok else "MISSED", result.expected, result.got, result.limit, note)
