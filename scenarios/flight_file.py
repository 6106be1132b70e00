"""A flight that somebody recorded or made elsewhere, from a CSV file: places by time, velocities where known.

Columns ``time_s``, ``east_m``, ``north_m``, then ``up_m`` (over the datum's ground) or ``height_m`` (over the ground
below), and optionally ``v_east_mps``, ``v_north_mps``, ``v_up_mps``. Others are passed over.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import numpy as np

from messages.frames import F64

MAX_ROWS = 200_000  # an hour at 50 Hz
MAX_SPEED_MPS = 150.0  # more is an error of units or of time stamps
REQUIRED, UP = ("time_s", "east_m", "north_m"), ("up_m", "height_m")
VELOCITY = ("v_east_mps", "v_north_mps", "v_up_mps")


class FlightError(ValueError):
    """A flight file that cannot be used; the text says what must be (``must ...``)."""


@dataclass(frozen=True)
class FlightRows:
    """A flight as it was read: times (k,) [s], positions and velocities (k, 3); whether up is over the ground below."""

    time_s: F64
    position_m: F64
    velocity_mps: F64
    above_ground: bool


def read_flight(data: bytes) -> FlightRows:
    """Return the rows of a flight file; velocities are central differences where it has none. Raises FlightError."""
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FlightError(f"must be a CSV file in UTF-8: {error}") from None
    header = [cell.strip() for cell in rows[0]] if rows else []
    ups = [name for name in UP if name in header]
    missing = [name for name in REQUIRED if name not in header]
    if missing or len(ups) != 1:
        raise FlightError(f"must have the columns {', '.join(REQUIRED)} and up_m or height_m, has {', '.join(header)}")
    names = [*REQUIRED, ups[0], *(VELOCITY if all(name in header for name in VELOCITY) else ())]
    table = _numbers(rows[1:], header, names)
    time_s, position = table[:, 0], table[:, 1:4]
    velocity = table[:, 4:7] if len(names) == 7 else np.gradient(position, time_s, axis=0)
    speed = np.linalg.norm(np.diff(position, axis=0), axis=1) / np.diff(time_s)
    if speed.max() > MAX_SPEED_MPS or np.linalg.norm(velocity, axis=1).max() > MAX_SPEED_MPS:
        k = int(np.argmax(speed))
        raise FlightError(f"must fly below {MAX_SPEED_MPS:g} m/s: row {k + 2}: {speed[k]:.0f} m/s from the row before")
    return FlightRows(time_s, position, np.asarray(velocity), ups[0] == "height_m")


def _numbers(rows: list[list[str]], header: list[str], names: list[str]) -> F64:
    """Return (k, columns) numbers: finite, with times that rise."""
    filled = [(line, row) for line, row in enumerate(rows, 2) if row]
    if not 2 <= len(filled) <= MAX_ROWS:
        raise FlightError(f"must have 2 to {MAX_ROWS} rows, has {len(filled)}")
    places = [header.index(name) for name in names]
    out = np.empty((len(filled), len(names)))
    for k, (line, row) in enumerate(filled):
        for j, (place, name) in enumerate(zip(places, names, strict=True)):
            text = row[place] if place < len(row) else ""
            try:
                out[k, j] = float(text)
            except ValueError:
                raise FlightError(f"must have numbers: line {line}: {name} = {text!r}") from None
        if not np.isfinite(out[k]).all():
            raise FlightError(f"must have finite numbers: line {line}")
        if k and out[k, 0] <= out[k - 1, 0]:
            raise FlightError(f"must have times that rise: line {line}: {out[k, 0]:g} after {out[k - 1, 0]:g}")
    return out
