"""Put chosen parameters in the place of the stated ones: in sensors, in the sigmas of single rows, in the tracker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from edge_node.tables.detections_file import HeardScan
from edge_node.tables.tuning_file import TunedSensorEntry, TuningEntry
from fusion.config import MotionConfig, TrackerConfig
from messages.detections import COLUMNS as COLUMN_TABLE
from messages.detections import INDEX, block, pack
from messages.types import MeasurementSigma, SensorDescription, SensorScan

Scales = Mapping[str, float]
"""By name of the component (``range``, ``azimuth``, ``elevation``, ``range_rate``)."""
FIELDS = {"range": "range_m", "azimuth": "azimuth_rad", "elevation": "elevation_rad", "range_rate": "range_rate_mps"}
COLUMNS = {
    "range": INDEX["range_sigma_m"],
    "azimuth": INDEX["azimuth_sigma_rad"],
    "elevation": INDEX["elevation_sigma_rad"],
    "range_rate": INDEX["range_rate_sigma_mps"],
}


def scales_of(entry: TunedSensorEntry) -> dict[str, float]:
    """Return the scales of one sensor's sigmas that are not 1."""
    given = {name: getattr(entry.sigma_scale, name) for name in FIELDS}
    return {name: chosen.value for name, chosen in given.items() if chosen is not None and chosen.value != 1.0}


def tuned_config(tuning: TuningEntry) -> TrackerConfig:
    """Return the tracker's configuration with the chosen motion models."""
    if tuning.motion is None:
        return TrackerConfig()
    given = tuning.motion
    q, shares = given.acceleration_intensity_m2ps3.value, given.stationary.value
    lasting = given.correlation_s.value if given.correlation_s is not None and any(given.correlation_s.value) else ()
    return TrackerConfig(motion=MotionConfig(tuple(q), tuple(shares), given.sojourn_s.value, tuple(lasting)))


def tuned_sensors(sensors: Sequence[SensorDescription], tuning: TuningEntry) -> list[SensorDescription]:
    """Return the sensors with the chosen numbers."""
    by_id = {entry.id: entry for entry in tuning.sensors}
    return [_tuned(sensor, by_id.get(sensor.sensor_id)) for sensor in sensors]


def _tuned(sensor: SensorDescription, entry: TunedSensorEntry | None) -> SensorDescription:
    if entry is None:
        return sensor
    changes: dict[str, Any] = {"sigma": scaled_sigma(sensor.sigma, scales_of(entry))}
    for name in ("detection_probability", "clutter_per_scan"):
        chosen = getattr(entry, name)
        if chosen is not None:
            changes[name] = chosen.value
    return replace(sensor, **changes)


def scaled_sigma(sigma: MeasurementSigma, scales: Scales) -> MeasurementSigma:
    """Return the standard deviations times their scales; what is not measured stays so."""
    had = {FIELDS[name]: getattr(sigma, FIELDS[name]) for name in scales}
    new = {FIELDS[name]: had[FIELDS[name]] * k for name, k in scales.items() if had[FIELDS[name]] is not None}
    return replace(sigma, **new)


def tuned_scans(heard: Iterable[HeardScan], tuning: TuningEntry) -> list[HeardScan]:
    """Return the scans with the sigmas that single rows state multiplied as well."""
    scales = {entry.id: scales_of(entry) for entry in tuning.sensors}
    return [item._replace(scan=scaled_scan(item.scan, scales.get(item.scan.sensor_id, {}))) for item in heard]


def scaled_scan(scan: SensorScan, scales: Scales) -> SensorScan:
    """Return a scan whose rows' own sigmas are multiplied; the same scan where no row states any."""
    columns = [COLUMNS[name] for name in scales]
    if not columns:
        return scan
    rows = block(scan)
    if not np.isfinite(rows[:, columns]).any():
        return scan
    rows = rows.copy()
    limits = [(COLUMN_TABLE[c].low, COLUMN_TABLE[c].high) for c in columns]
    rows[:, columns] = np.clip(rows[:, columns] * list(scales.values()), *np.transpose(limits))
    return replace(scan, detections=pack(rows))
