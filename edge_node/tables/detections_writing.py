"""A stream of heard scans -> DETECTIONS.csv or .parquet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from edge_node.tables.detections_file import LOOK_FIELDS, HeardScan, file_name, look_names
from edge_node.tables.table import I64
from edge_node.tables.writing import seconds, write_table
from messages.detections import COLUMNS, N_COLUMNS, block
from messages.frames import F64

ALWAYS_WRITTEN = 9  # the first columns of COLUMNS: measurement, its sigmas, signal-to-noise ratio


def write_detections(path: Path, heard: Iterable[HeardScan]) -> dict[str, int]:
    """Write scans, in the order given, and return how many detections each sensor made."""
    scans = list(heard)
    blocks = [block(item.scan) for item in scans]
    lengths = np.array([max(1, len(rows)) for rows in blocks], dtype=np.int64)
    class_names = list(dict.fromkeys(name for item in scans for name in item.scan.class_names))
    table = _stacked(scans, blocks, lengths, class_names)
    columns: dict[str, Any] = {
        "time_s": seconds(np.repeat(np.array([h.scan.t_ns for h in scans], dtype=np.int64), lengths)),
        "arrival_s": seconds(np.repeat(np.array([h.t_arrival_ns for h in scans], dtype=np.int64), lengths)),
        "sensor": _repeated([h.scan.sensor_id for h in scans], lengths),
        "scan": np.repeat(np.array([h.scan.scan for h in scans], dtype=np.int64), lengths),
    }
    for i, column in enumerate(COLUMNS):
        if i < ALWAYS_WRITTEN or not np.isnan(table[:, i]).all():
            columns[file_name(column.name)] = np.degrees(table[:, i]) if column.name.endswith("_rad") else table[:, i]
    if any(item.scan.paired_sensor_id for item in scans):
        columns["sensor_b"] = _repeated([item.scan.paired_sensor_id or "" for item in scans], lengths)
    columns.update(_look_columns(scans, lengths))
    columns.update({f"class_{name}": table[:, N_COLUMNS + i] for i, name in enumerate(class_names)})
    write_table(path, columns)
    counts: dict[str, int] = {}
    for item, rows in zip(scans, blocks, strict=True):
        counts[item.scan.sensor_id] = counts.get(item.scan.sensor_id, 0) + len(rows)
    return dict(sorted(counts.items()))


def _repeated(texts: list[str], lengths: I64) -> list[str]:
    return [text for text, n in zip(texts, lengths.tolist(), strict=True) for _ in range(n)]


def _stacked(scans: list[HeardScan], blocks: list[F64], lengths: I64, class_names: list[str]) -> F64:
    """Return one block of all rows; an empty look is one row of NaN."""
    out = np.full((int(lengths.sum()), N_COLUMNS + len(class_names)), np.nan)
    start = 0
    for item, rows, length in zip(scans, blocks, lengths.tolist(), strict=True):
        out[start : start + len(rows), :N_COLUMNS] = rows[:, :N_COLUMNS]
        for j, name in enumerate(item.scan.class_names):
            out[start : start + len(rows), N_COLUMNS + class_names.index(name)] = rows[:, N_COLUMNS + j]
        start += length
    return out


def _look_columns(scans: list[HeardScan], lengths: I64) -> dict[str, F64]:
    if not any(item.scan.look for item in scans):
        return {}
    out: dict[str, F64] = {}
    for name in LOOK_FIELDS:
        limits = np.full((len(scans), 2), np.nan)
        for i, item in enumerate(scans):
            interval = getattr(item.scan.look, name) if item.scan.look else None
            limits[i] = (np.nan, np.nan) if interval is None else interval
        limits = np.degrees(limits) if name.endswith("_rad") else limits
        out.update(zip(look_names(name), np.repeat(limits, lengths, axis=0).T, strict=True))
    return out
