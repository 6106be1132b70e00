"""DTED, levels 0 to 2 (MIL-PRF-89020B): a one-degree cell of big-endian signed-magnitude heights, column by column.

UHL (80 bytes), DSI (648), ACC (2700), then a record a meridian from west to east: sentinel 0xAA, three bytes block
count, two and two bytes longitude and latitude count, the heights from south to north, four bytes checksum (the sum
of all bytes before it). A height of -32767 is a void.
"""

from __future__ import annotations

import numpy as np

from messages.frames import F64
from scenarios.elevation.grid import MAX_POSTS, ElevationError, ElevationGrid

HEADER_BYTES = 80 + 648 + 2700
SENTINEL = 0xAA
VOID_MAGNITUDE = 32767
MAX_LINES = 9999  # four digits in the header


def read_dted(data: bytes) -> ElevationGrid:
    """Return the grid of a DTED file. Raises ElevationError where it is none, is cut off or fails a checksum."""
    if data[:4] != b"UHL1" or len(data) < HEADER_BYTES:
        raise ElevationError("must be a DTED file (it does not begin with UHL1 and its headers)")
    west, south = _angle(data[4:12], "longitude of the origin"), _angle(data[12:20], "latitude of the origin")
    step_x, step_y = (_number(data[i : i + 4], "interval") / 36_000.0 for i in (20, 24))
    columns, rows = _number(data[47:51], "number of meridians"), _number(data[51:55], "number of parallels")
    if not (2 <= columns <= MAX_LINES and 2 <= rows <= MAX_LINES and rows * columns <= MAX_POSTS):
        raise ElevationError(f"must have 2 to {MAX_LINES} meridians and parallels, has {columns} and {rows}")
    if step_x <= 0.0 or step_y <= 0.0:
        raise ElevationError("must have intervals above 0 in its header")
    return ElevationGrid(_heights(data, rows, columns), (west, south), (step_x, step_y), None)


def _heights(data: bytes, rows: int, columns: int) -> F64:
    record = 8 + 2 * rows + 4
    needed = HEADER_BYTES + columns * record
    if len(data) < needed:
        raise ElevationError(f"must have {needed} bytes for its {columns} x {rows} posts, has {len(data)}: cut off?")
    table = np.frombuffer(data, np.uint8, columns * record, HEADER_BYTES).reshape(columns, record)
    if (table[:, 0] != SENTINEL).any():
        raise ElevationError(f"must have 0xAA at the begin of record {int(np.argmax(table[:, 0] != SENTINEL))}")
    stated = np.ascontiguousarray(table[:, -4:]).view(">u4").ravel()
    summed = table[:, :-4].sum(axis=1, dtype=np.uint32)
    if (stated != summed).any():
        k = int(np.argmax(stated != summed))
        raise ElevationError(f"must be whole: record {k} sums up to {summed[k]}, its checksum says {stated[k]}")
    raw = np.ascontiguousarray(table[:, 8:-4]).view(">u2").astype(np.int64)
    magnitude = raw & 0x7FFF
    heights = np.where(raw & 0x8000, -magnitude, magnitude).astype(np.float64)
    heights[magnitude == VOID_MAGNITUDE] = np.nan
    return np.ascontiguousarray(heights.T)


def _number(text: bytes, what: str) -> int:
    if not text.isdigit():
        raise ElevationError(f"must have digits for the {what} in its header, has {text!r}")
    return int(text)


def _angle(text: bytes, what: str) -> float:
    """Return ``DDDMMSSH`` in degrees."""
    sign = {b"N": 1.0, b"E": 1.0, b"S": -1.0, b"W": -1.0}.get(text[7:8])
    if sign is None or not text[:7].isdigit():
        raise ElevationError(f"must have DDDMMSSH for the {what} in its header, has {text!r}")
    return sign * (int(text[:3]) + int(text[3:5]) / 60.0 + int(text[5:7]) / 3600.0)
