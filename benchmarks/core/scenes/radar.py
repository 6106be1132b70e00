"""Scans of one radar that stands still: what the spread, swarm and manoeuvring scenes share."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from benchmarks.core.scenes.model import Paths, nanoseconds
from benchmarks.core.scenes.sensing import detected, look_at, rows_of, uniform_clutter
from edge_node.tables.detections_file import HeardScan
from messages.detections import pack
from messages.frames import F64
from messages.types import SensorDescription, SensorScan

FalseLooks = Callable[[F64, F64], F64]
"""(positions, velocities) of the targets -> further false looks (c, 4)."""


def with_clutter(sensor: SensorDescription, clutter_per_scan: float) -> SensorDescription:
    """Return the sensor with another mean number of false detections."""
    return msgspec.structs.replace(sensor, clutter_per_scan=clutter_per_scan)


def scan_times(sensor: SensorDescription, scans: int) -> F64:
    """Return the times of validity [s], the first one period after the start."""
    return np.asarray(np.arange(1, scans + 1) * sensor.scan_period_s, dtype=np.float64)


def radar_scans(
    sensor: SensorDescription,
    paths: Paths,
    uniform_mean: float,
    rng: np.random.Generator,
    more: FalseLooks | None = None,
) -> tuple[HeardScan, ...]:
    """Return one scan at every time of the paths, heard at once; the sensor stands in ENU."""
    heard = []
    origin = np.array(sensor.position_m)
    for i, t_ns in enumerate(nanoseconds(paths.t_s).tolist()):
        position, velocity = paths.position_m[i], paths.velocity_mps[i]
        parts = [detected(sensor, look_at(position, velocity, origin), rng), uniform_clutter(sensor, uniform_mean, rng)]
        if more is not None:
            parts.append(more(position, velocity))
        rows = rows_of(sensor, np.concatenate(parts), rng)
        scan = SensorScan(sensor_id=sensor.sensor_id, scan=i, t_ns=t_ns, detections=pack(rows))
        heard.append(HeardScan(t_ns, scan))
    return tuple(heard)
