"""DETECTIONS.csv or .parquet -> a stream of SensorScan, in the order in which a node would hear them.

Degrees live in the file, radians in the messages. A scan without detections is one row whose
measurement cells are all empty. Columns ``look_...`` say where a scan covered less than its
sensor's field of view. ``detections_writing`` is the way back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_node.tables.table import I64, Layout, Table, read_table
from messages.detections import COLUMNS, INDEX, N_COLUMNS, pack
from messages.frames import F64
from messages.types import FieldOfView, SensorDescription, SensorScan

Order = Literal["arrival", "validity"]
LOOK_FIELDS = ("range_m", "azimuth_rad", "elevation_rad", "range_rate_mps")
MEASUREMENTS = (
    *("range_m", "azimuth_rad", "elevation_rad", "range_rate_mps"),
    *("angular_size_rad", "east_m", "north_m", "up_m", "tdoa_s"),
)
SAME_TIME_NS = 1000  # rows of one scan may differ by the rounding of another program's seconds


class HeardScan(NamedTuple):
    """A scan and when the node heard it."""

    t_arrival_ns: int
    scan: SensorScan


def file_name(column: str) -> str:
    """Return the name in the file of a column of the detection block (degrees for radians)."""
    return column.removesuffix("_rad") + "_deg" if column.endswith("_rad") else column


def look_names(field: str) -> tuple[str, str]:
    """Return the two columns that hold an interval of a look."""
    quantity, unit = file_name(field).rsplit("_", 1)
    return f"look_{quantity}_min_{unit}", f"look_{quantity}_max_{unit}"


LOOK_COLUMNS = tuple(chain.from_iterable(look_names(name) for name in LOOK_FIELDS))
LAYOUT = Layout(
    numbers=("time_s", "arrival_s", "scan", *(file_name(c.name) for c in COLUMNS), *LOOK_COLUMNS),
    texts=("sensor", "sensor_b"),
    required=("time_s", "sensor", "scan"),
    number_prefixes=("class_",),
)


def read_detections(path: Path, sensors: Sequence[SensorDescription], order: Order = "arrival") -> list[HeardScan]:
    """Return the scans of a file in order of arrival (or of validity), or raise TableError."""
    table = read_table(path, LAYOUT)
    rows, class_names = _block(table)
    sensor = _sensor_codes(table, sensors)
    _check_measured(table, rows, sensor, sensors)
    _check_pairs(table, rows, sensors)
    t_ns = table.times_ns("time_s")
    if "arrival_s" in table.numbers:  # an empty cell means the same as no column: heard at once
        given = table.numbers["arrival_s"]
        table.numbers["arrival_s"] = np.where(np.isnan(given), table.numbers["time_s"], given)
    arrival_ns = table.times_ns("arrival_s") if "arrival_s" in table.numbers else t_ns
    by_scan = np.lexsort((table.integers("scan", 0), sensor))  # stable: rows of a scan keep their order
    groups = _groups(table, sensor, by_scan)
    _check_one_time(table, t_ns, by_scan, groups)
    heard = _scans(table, rows[by_scan], class_names, sensors, sensor, t_ns, arrival_ns, by_scan, groups)
    key = (lambda h: h[:2]) if order == "arrival" else (lambda h: (h[1], h[0]))
    return [HeardScan(h[0], h[3]) for h in sorted(heard, key=lambda h: (*key(h), h[2]))]


def _block(table: Table) -> tuple[F64, tuple[str, ...]]:
    """Return the (n, N_COLUMNS + classes) block of all rows in SI units, limits checked."""
    names = tuple(name for name in table.numbers if name.startswith("class_"))
    rows = np.full((len(table), N_COLUMNS + len(names)), np.nan)
    for i, column in enumerate(COLUMNS):
        values = table.number(file_name(column.name))
        rows[:, i] = np.radians(values) if column.name.endswith("_rad") else values
        low, high = column.low, column.high
        if column.name.endswith("_rad"):
            low, high = math.degrees(low), math.degrees(high)
        ok = ~((values < low) | (values > high))  # NaN, not measured, passes
        table.require(ok, file_name(column.name), f"must be within {low:g}..{high:g}")
    for i, name in enumerate(names):
        values = rows[:, N_COLUMNS + i] = table.number(name)
        table.require(~((values < 0.0) | (values > 1.0)), name, "must be within 0..1")
    return rows, tuple(name.removeprefix("class_") for name in names)


def _sensor_codes(table: Table, sensors: Sequence[SensorDescription]) -> I64:
    codes = {sensor.sensor_id: i for i, sensor in enumerate(sensors)}
    out = np.array([codes.get(name, -1) for name in table.text("sensor")], dtype=np.int64)
    table.require(out >= 0, "sensor", f"not in the sensors file, which has {', '.join(codes)}")
    return out


def _check_measured(table: Table, rows: F64, sensor: I64, sensors: Sequence[SensorDescription]) -> None:
    """Refuse a measurement for which neither the row nor the sensor gives a standard deviation."""
    # Claimed positions and time differences have no column for a sigma: there the tracker has a default.
    for name in ("range_m", "azimuth_rad", "elevation_rad", "range_rate_mps"):
        known = np.array([getattr(s.sigma, name) is not None for s in sensors])[sensor]
        known |= ~np.isnan(rows[:, INDEX[f"{name.rsplit('_', 1)[0]}_sigma_{name.rsplit('_', 1)[1]}"]])
        rule = f"its sensor has no sigma.{file_name(name)} in the sensors file and the row gives none"
        table.require(np.asarray(known | np.isnan(rows[:, INDEX[name]])), file_name(name), rule)
    position = ~np.isnan(rows[:, INDEX["east_m"] : INDEX["up_m"] + 1])
    together = position.sum(axis=1) % 3 == 0
    table.require(np.asarray(together), "east_m", "east_m, north_m and up_m must be given together")


def _check_pairs(table: Table, rows: F64, sensors: Sequence[SensorDescription]) -> None:
    if "tdoa_s" not in table.numbers and "sensor_b" not in table.texts:
        return
    ids = {sensor.sensor_id for sensor in sensors}
    given = np.array([name in ids for name in table.text("sensor_b")], dtype=np.bool_)
    lacking = ~np.isnan(rows[:, INDEX["tdoa_s"]]) & ~given
    if lacking.any():
        row = int(np.argmax(lacking))
        value = table.text("sensor_b")[row] or "(empty)"
        raise table.error(row, "sensor_b", value, "tdoa_s needs the id of a sensor in the sensors file")


def _groups(table: Table, sensor: I64, by_scan: I64) -> I64:
    """Return where each scan begins in the sorted rows."""
    if not len(by_scan):
        return np.empty(0, dtype=np.int64)
    scan = table.number("scan")[by_scan]
    new = (np.diff(scan) != 0) | (np.diff(sensor[by_scan]) != 0)
    return np.concatenate(([0], np.flatnonzero(new) + 1))


def _check_one_time(table: Table, t_ns: I64, by_scan: I64, groups: I64) -> None:
    ends = np.append(groups[1:], len(by_scan))
    first = np.repeat(t_ns[by_scan][groups], ends - groups)
    ok = np.ones(len(t_ns), dtype=np.bool_)
    ok[by_scan] = np.abs(t_ns[by_scan] - first) <= SAME_TIME_NS
    table.require(ok, "time_s", "rows of one scan must share one time_s (give each look its own scan number)")


def _scans(
    table: Table,
    rows: F64,
    class_names: tuple[str, ...],
    sensors: Sequence[SensorDescription],
    sensor: I64,
    t_ns: I64,
    arrival_ns: I64,
    by_scan: I64,
    groups: I64,
) -> list[tuple[int, int, int, SensorScan]]:
    """Return (arrival, validity, first row, scan) of every scan."""
    if not len(rows):
        return []
    measured = np.asarray(~np.isnan(rows[:, [INDEX[name] for name in MEASUREMENTS]]).all(axis=1))
    scored = np.logical_or.reduceat(~np.isnan(rows[:, N_COLUMNS:]), groups, axis=0)
    heard = np.maximum.reduceat(arrival_ns[by_scan], groups)  # a scan is heard with its last row
    first_row = np.minimum.reduceat(by_scan, groups)
    number, pairs, looks = table.number("scan"), table.text("sensor_b"), _looks(table)
    out: list[tuple[int, int, int, SensorScan]] = []
    ends = np.append(groups[1:], len(rows))
    for g, (start, end) in enumerate(zip(groups.tolist(), ends.tolist(), strict=True)):
        head = int(first_row[g])
        taken = rows[start:end][measured[start:end]]
        chosen = np.flatnonzero(scored[g]) if len(taken) else np.empty(0, dtype=np.int64)
        if len(class_names):
            taken = np.concatenate((taken[:, :N_COLUMNS], taken[:, N_COLUMNS + chosen]), axis=1)
        scan = SensorScan(
            sensor_id=sensors[int(sensor[head])].sensor_id,
            scan=int(number[head]),
            t_ns=int(t_ns[head]),
            look=_look(looks, head),
            class_names=tuple(class_names[i] for i in chosen),
            paired_sensor_id=_one_pair(table, pairs, by_scan[start:end]) if "sensor_b" in table.texts else None,
            detections=pack(taken),
        )
        out.append((int(heard[g]), scan.t_ns, head, scan))
    return out


def _one_pair(table: Table, pairs: list[str], rows: I64) -> str | None:
    names = sorted({pairs[i] for i in rows.tolist()} - {""})
    if len(names) > 1:
        rule = f"one scan may name one paired sensor, not {len(names)} (give each pair its own scan number)"
        raise table.error(int(rows[0]), "sensor_b", ", ".join(names), rule)
    return names[0] if names else None


def _looks(table: Table) -> NDArray[np.float64] | None:
    """Return the (n, 4, 2) looked-at intervals in SI units, or None where the file has none."""
    if not any(name in table.numbers for name in LOOK_COLUMNS):
        return None
    looks = np.empty((len(table), len(LOOK_FIELDS), 2))
    for i, name in enumerate(LOOK_FIELDS):
        for j, column in enumerate(look_names(name)):
            values = table.number(column)
            looks[:, i, j] = np.radians(values) if name.endswith("_rad") else values
    return looks


def _look(looks: NDArray[np.float64] | None, row: int) -> FieldOfView | None:
    if looks is None or np.isnan(looks[row]).all():
        return None
    given = {
        name: (float(looks[row, i, 0]), float(looks[row, i, 1]))
        for i, name in enumerate(LOOK_FIELDS)
        if not np.isnan(looks[row, i]).any()
    }
    return FieldOfView(**given)
