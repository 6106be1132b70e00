"""Check every row of a table of published figures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from benchmarks.validation import radio_quantities, systems, world_quantities
from benchmarks.validation.published import Malformed, Row
from benchmarks.validation.verdict import NoData, Quantity, Verdict, judged

QUANTITIES: tuple[Quantity, ...] = (
    *radio_quantities.QUANTITIES,
    *world_quantities.QUANTITIES,
    *systems.QUANTITIES,
)

REASONS: tuple[tuple[str, str], ...] = (
    (r"^rf\.sys", "accuracy of a method: the bearing floor of a direction finder is an input"),
    (r"^(rad|ac)\.range", "a system that the catalogue does not have"),
    (r"^rf\.elrs", "the receiver's own property: an input of link closure"),
    (r"^rcs", "measured means of single drones; bands for the catalogue of targets"),
    (r"^eo\.(orin|e2e)", "speed of a board, not of a model"),
    (r"^eo\.(field|dvb)", "statistics of recordings: see the gates and the detectors"),
    (r"^tg\.", "statistics of real flights: see gate 10"),
    (r"^ac\.(veh|doa)", "level or accuracy of a device without its parameters"),
    (r"^pl\.", "property of a receiver or a clock: parameters of the platforms"),
)
GRADES = "ABCDET"  # standard, measured, vendor, secondary, estimate, textbook
WEAK = ("D", "E")  # one claim, or an estimate: shown, but a miss says nothing against a model
OTHER = "no model computes it (vedette validate --list)"


def check_rows(rows: Iterable[Row], recordings: Path | None) -> list[Verdict]:
    """Return the verdict on each row; ``recordings`` is a folder with ``audio/``, or None."""
    return [check_row(row, recordings) for row in rows]


def check_row(row: Row, recordings: Path | None) -> Verdict:
    """Return the verdict on one row."""
    if row.fault:
        return Verdict(row.id or "(none)", row.quantity, "MALFORMED", note=f"{row.where}: {row.fault}")
    quantity = next((q for q in QUANTITIES if q.pattern.search(row.quantity)), None)
    if quantity is None:
        reason = next((text for pattern, text in REASONS if re.search(pattern, row.id)), OTHER)
        return Verdict(row.id, row.quantity, "not modelled", expected=f"{row.expected} {row.unit}".strip(), note=reason)
    if row.grade[:1] not in tuple(GRADES):
        return Verdict(
            row.id, row.quantity, "MALFORMED", note=f"{row.where}: grade = {row.grade!r}: needed is A to E or T"
        )
    try:
        result = quantity.check(row, recordings)
    except Malformed as error:
        return Verdict(row.id, row.quantity, "MALFORMED", note=f"{row.where}: {error}")
    except NoData as error:
        return Verdict(row.id, row.quantity, "no data", expected=row.expected, note=str(error))
    if not result.ok and row.grade[:1] in WEAK:
        got = f"got {result.got}, limit {result.limit}; grade {row.grade} is no measure of a model"
        return Verdict(row.id, row.quantity, "not judged", result.expected, result.got, result.limit, got)
    return judged(row.id, row.quantity, result, row.source)
