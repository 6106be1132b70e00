"""The verdicts as a table for people and as an object for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, get_args

from benchmarks.validation.check import QUANTITIES
from benchmarks.validation.verdict import Status, Verdict

WIDTHS = (22, 34, 28, 36, 20)
ORDER: tuple[Status, ...] = get_args(Status)
HEADER = ("id", "quantity", "expected", "got", "limit")


def as_text(verdicts: Sequence[Verdict]) -> str:
    """Return what was checked, then what was not and why, then the count."""
    checked = [v for v in verdicts if v.status in ("ok", "MISSED")]
    lines = [_line(HEADER, "verdict", "source"), "-" * (sum(WIDTHS) + 24)]
    lines += [_line((v.id, v.quantity, v.expected, v.got, v.limit), v.status, v.note) for v in checked]
    for status in ORDER[2:]:
        those = [v for v in verdicts if v.status == status]
        if those:
            lines += ["", status.upper()]
            lines += [f"{v.id:{WIDTHS[0]}}  {_cut(v.quantity, WIDTHS[1])}  {v.note}" for v in those]
    count = Counter(v.status for v in verdicts)
    return "\n".join([*lines, "", ", ".join(f"{count[s]} {s}" for s in ORDER if count[s]) or "no rows"])


def _line(cells: Sequence[str], verdict: str, note: str) -> str:
    return f"{'  '.join(_cut(c, w) for c, w in zip(cells, WIDTHS, strict=True))}  {verdict:8}  {note}".rstrip()


def _cut(text: str, width: int) -> str:
    return f"{text if len(text) <= width else text[: width - 2] + '..':{width}}"


def as_object(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the verdicts for JSON."""
    return {"passed": exit_code(verdicts) == 0, "verdicts": [asdict(v) for v in verdicts]}


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Return 2 with a malformed row, 1 with a miss, else 0."""
    statuses = {v.status for v in verdicts}
    return 2 if "MALFORMED" in statuses else 1 if "MISSED" in statuses else 0


def quantities() -> str:
    """Return the quantities that are modelled, the rows that they take and the form of their input."""
    lines = [f"{'quantity':30}  {'rows whose quantity has':40}  input", "-" * 110]
    return "\n".join([*lines, *(f"{q.name:30}  {q.pattern.pattern:40}  {q.input}" for q in QUANTITIES)])
