"""The gates that look through whole sensor models: errors as their formulas say, and silence about what is silent."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.validation.sensor_bench import (
    MOUNT_RAD,
    at_rest,
    column,
    looks,
    moving,
    origin,
    ring,
    sensor,
    target_type,
)
from benchmarks.validation.verdict import Result
from messages.frames import body_azimuth_elevation_range, enu_from_body, parent_from_body, wrap_pi
from sim.propagation import radar
from sim.propagation.radar_detection import linear

LOOKS = 2000  # a standard deviation of so many draws is good to 1.6 %
NO_FLOORS: dict[str, Any] = {
    "range_floor_m": 0.0,
    "azimuth_floor_deg": 0.0,
    "elevation_floor_deg": 0.0,
    "range_rate_floor_mps": 0.0,
}
SILENT = ("fpv_fibre", "fpv_autonomous")


def radar_errors() -> Result:
    """Return whether range, azimuth, elevation and speed of the radar err as resolution and SNR say (no floors)."""
    model = sensor("radar", target_type("fpv_analogue"), **NO_FLOORS)
    profile = model.profile  # type: ignore[attr-defined]
    place = ring(1, 1500.0, 8.0)
    line = (place[0] - origin()) / np.linalg.norm(place[0] - origin())
    bench = moving(place, -15.0 * line)
    seen = looks(model, bench, LOOKS)
    rotation = enu_from_body(*bench.attitude_rad) @ parent_from_body(*MOUNT_RAD)
    truth = [float(v) for v in body_azimuth_elevation_range((place[0] - origin()) @ rotation)]
    sigma = 1.0 / np.sqrt(2.0 * linear(column(seen, "snr_db")))
    slope = radar.MONOPULSE_SLOPE
    off = {
        "range": (column(seen, "range_m") - truth[2]) / (radar.range_resolution_m(profile.bandwidth_hz) * sigma),
        "azimuth": wrap_pi(column(seen, "azimuth_rad") - truth[0])
        / (math.radians(profile.beamwidth_azimuth_deg) / slope * sigma)
        * math.cos(truth[1]),
        "elevation": (column(seen, "elevation_rad") - truth[1])
        / (math.radians(profile.beamwidth_elevation_deg) / slope * sigma),
        "speed": (column(seen, "range_rate_mps") + 15.0)
        / (radar.velocity_resolution_mps(profile.frequency_hz, profile.dwell_s) * sigma),
    }
    ratios = {name: float(np.sqrt(np.mean(error**2))) for name, error in off.items()}
    got = ", ".join(f"{name} {ratio:.3f}" for name, ratio in ratios.items())
    return Result("1 (error over formula)", got, "10 %", all(abs(r - 1.0) <= 0.10 for r in ratios.values()))


def silent_targets() -> tuple[int, int]:
    """Return the looks of a direction finder at targets that emit nothing, and the detections."""
    total, found = 0, 0
    for name in SILENT:
        seen = looks(sensor("rf", target_type(name), 200), at_rest(ring(200, 100.0)), 250)
        total += 200 * len(seen)
        found += sum(len(o.rows) for o in seen)
    return total, found


def array_reach_m() -> float:
    """Return how far four microphones in 5 cm hear a quadcopter half of the time, outdoors, at 2 to 5 kHz."""
    model = sensor(
        "acoustic",
        target_type("civil_quadcopter"),
        environment={"ambient_noise_dba": 33.0},
        microphones=4,
        array_diameter_m=0.05,
        band_hz=[2000.0, 5000.0],
    )
    ranges = np.arange(5.0, 400.0, 5.0)
    pd = [looks(model, at_rest(ring(1, r, 2.0)), 1)[0].detection_probability[0] for r in ranges]
    return float(ranges[np.flatnonzero(np.array(pd) >= 0.5)[-1]])
