"""A small synthetic world for the tests of the tracking core; it shares no code with the simulator."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from messages.detections import empty_rows, pack
from messages.types import FieldOfView, MeasurementSigma, PlatformPose, SensorDescription, SensorScan, Track

RADAR_SIGMA = (5.0, math.radians(0.5), math.radians(0.8), 0.5)


def radar(
    sensor_id: str = "radar_1", clutter: float = 5.0, pd: float = 0.9, period_s: float = 0.25, **more: object
) -> SensorDescription:
    fields: dict[str, object] = {
        "sensor_id": sensor_id,
        "kind": "radar",
        "sigma": MeasurementSigma(
            range_m=RADAR_SIGMA[0],
            azimuth_rad=RADAR_SIGMA[1],
            elevation_rad=RADAR_SIGMA[2],
            range_rate_mps=RADAR_SIGMA[3],
        ),
        "detection_probability": pd,
        "clutter_per_scan": clutter,
        "field_of_view": FieldOfView(
            range_m=(50.0, 3000.0),
            azimuth_rad=(0.0, 2 * math.pi),
            elevation_rad=(-0.05, 1.0),
            range_rate_mps=(-60.0, 60.0),
        ),
        "scan_period_s": period_s,
    }
    return SensorDescription(**(fields | more))


def camera(sensor_id: str, position_m: tuple[float, float, float], **more: object) -> SensorDescription:
    fields: dict[str, object] = {
        "sensor_id": sensor_id,
        "kind": "eo",
        "position_m": position_m,
        "sigma": MeasurementSigma(azimuth_rad=1e-3, elevation_rad=1e-3),
        "detection_probability": 0.8,
        "clutter_per_scan": 0.3,
        "field_of_view": FieldOfView(range_m=(2.0, 2000.0), elevation_rad=(-0.2, 1.0)),
        "scan_period_s": 0.2,
    }
    return SensorDescription(**(fields | more))


def polar(p: np.ndarray, v: np.ndarray, s: Sequence[float] = (0.0, 0.0, 0.0)) -> tuple[float, float, float, float]:
    """Range, azimuth clockwise from north, elevation, range rate over ground: written with math on purpose."""
    e, n, u = (float(p[i] - s[i]) for i in range(3))
    r = math.sqrt(e * e + n * n + u * u)
    rate = (e * v[0] + n * v[1] + u * v[2]) / r
    return r, math.atan2(e, n) % (2 * math.pi), math.asin(u / r), rate


def scan_of(sensor_id: str, number: int, t_ns: int, rows: Sequence[Sequence[float]], **more: object) -> SensorScan:
    block = empty_rows(len(rows))
    for out, row in zip(block, rows, strict=True):
        out[: len(row)] = row
    return SensorScan(sensor_id=sensor_id, scan=number, t_ns=t_ns, detections=pack(block), **more)


def radar_scan(
    description: SensorDescription,
    number: int,
    t_ns: int,
    p: np.ndarray,
    v: np.ndarray,
    rng: np.random.Generator,
    pd: float = 0.9,
    clutter: float = 0.0,
) -> SensorScan:
    """One look at targets p, v (n, 3): missed with 1 - pd, noisy, with Poisson clutter uniform in the coverage."""
    rows = []
    for i in range(len(p)):
        if rng.random() < pd:
            noisy = np.array(polar(p[i], v[i], description.position_m)) + rng.normal(size=4) * RADAR_SIGMA
            rows.append([noisy[0], noisy[1] % (2 * math.pi), noisy[2], noisy[3]])
    for _ in range(rng.poisson(clutter)):
        rows.append([rng.uniform(50, 3000), rng.uniform(0, 2 * math.pi), rng.uniform(-0.05, 1.0), rng.uniform(-60, 60)])
    return scan_of(description.sensor_id, number, t_ns, rows)


def bearing_scan(
    description: SensorDescription,
    number: int,
    t_ns: int,
    p: np.ndarray,
    rng: np.random.Generator,
    pd: float = 0.8,
    sigma_rad: float = 1e-3,
) -> SensorScan:
    rows = []
    for target in p:
        if rng.random() < pd:
            _, az, el, _ = polar(target, np.zeros(3), description.position_m)
            rows.append([math.nan, (az + rng.normal() * sigma_rad) % (2 * math.pi), el + rng.normal() * sigma_rad])
    return scan_of(description.sensor_id, number, t_ns, rows)


def pose(
    platform_id: str, t_s: float, position_m: tuple[float, float, float] = (0, 0, 0), **more: object
) -> PlatformPose:
    fields: dict[str, object] = {
        "platform_id": platform_id,
        "t_ns": round(t_s * 1e9),
        "position_m": position_m,
        "yaw_rad": 0.0,
        "defended": True,
    }
    return PlatformPose(**(fields | more))


def covariance(track: Track) -> np.ndarray:
    full = np.zeros((6, 6))
    full[np.triu_indices(6)] = track.covariance
    return full + np.triu(full, 1).T
