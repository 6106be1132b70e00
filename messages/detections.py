"""The detection block: the columns of a scan's detections, their units and limits, in one table.

The codec's range check, the CSV files and ``docs/icd.md`` are derived from ``COLUMNS``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from messages.frames import F64
from messages.types import SensorScan


class Column(NamedTuple):
    """One column of the block: name with unit, inclusive limits, meaning."""

    name: str
    low: float
    high: float
    meaning: str


COLUMNS: tuple[Column, ...] = (
    Column("range_m", 0.0, 1e6, "distance from the sensor"),
    Column("azimuth_rad", -7.0, 7.0, "clockwise from north, or from the sensor's forward axis to its right"),
    Column("elevation_rad", -1.6, 1.6, "up from the horizontal, or from the sensor's forward-left plane"),
    Column("range_rate_mps", -2000.0, 2000.0, "positive when receding"),
    Column("range_sigma_m", 1e-6, 1e6, "overrides the sensor's sigma for this row"),
    Column("azimuth_sigma_rad", 1e-9, 10.0, "overrides the sensor's sigma for this row"),
    Column("elevation_sigma_rad", 1e-9, 10.0, "overrides the sensor's sigma for this row"),
    Column("range_rate_sigma_mps", 1e-6, 1e4, "overrides the sensor's sigma for this row"),
    Column("snr_db", -100.0, 200.0, "signal-to-noise ratio of the detection"),
    Column("angular_size_rad", 0.0, 3.2, "largest extent in an image"),
    Column("east_m", -1e6, 1e6, "cooperative (claimed) position"),
    Column("north_m", -1e6, 1e6, "cooperative (claimed) position"),
    Column("up_m", -1e5, 1e5, "cooperative (claimed) position"),
    Column("tdoa_s", -10.0, 10.0, "arrival time at the sensor minus that at the paired sensor"),
)
INDEX: dict[str, int] = {column.name: i for i, column in enumerate(COLUMNS)}
N_COLUMNS = len(COLUMNS)
_LOW = np.array([c.low for c in COLUMNS])
_HIGH = np.array([c.high for c in COLUMNS])


class BlockError(ValueError):
    """The detection block of a scan breaks the table; the text names field, value and limit."""


def block(scan: SensorScan) -> F64:
    """Return the scan's detections as a read-only (n, N_COLUMNS + classes) array, zero-copy.

    Raises BlockError where the byte count does not fit or a value breaks its column's limits.
    """
    width = N_COLUMNS + len(scan.class_names)
    if len(scan.detections) % (8 * width):
        raise BlockError(f"detections: {len(scan.detections)} bytes is not a multiple of {8 * width} ({width} columns)")
    rows = np.frombuffer(scan.detections, dtype="<f8").reshape(-1, width)
    if len(rows):
        _check(rows, scan.class_names)
    return rows


def _check(rows: F64, class_names: tuple[str, ...]) -> None:
    if np.isinf(rows).any():
        raise BlockError("detections: infinite value (NaN marks what was not measured)")
    base, scores = rows[:, :N_COLUMNS], rows[:, N_COLUMNS:]
    bad = (base < _LOW) | (base > _HIGH)  # NaN compares false: missing passes
    if bad.any():
        i, j = map(int, np.argwhere(bad)[0])
        c = COLUMNS[j]
        raise BlockError(f"detections[{i}].{c.name} = {base[i, j]:g}: must be within {c.low:g}..{c.high:g}")
    bad = (scores < 0.0) | (scores > 1.0)
    if bad.any():
        i, j = map(int, np.argwhere(bad)[0])
        raise BlockError(f"detections[{i}].class_{class_names[j]} = {scores[i, j]:g}: must be within 0..1")


def pack(rows: F64) -> bytes:
    """Return the wire bytes of an (n, N_COLUMNS + classes) block."""
    return np.ascontiguousarray(rows, dtype="<f8").tobytes()


def empty_rows(n: int, n_classes: int = 0) -> F64:
    """Return an (n, N_COLUMNS + n_classes) block in which nothing is measured (all NaN)."""
    return np.full((n, N_COLUMNS + n_classes), np.nan)
