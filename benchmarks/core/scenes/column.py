"""A column of vehicles with a radar, cameras, direction finders and an acoustic array; drones approach it.

Scans come late and out of order. The reported poses and times may be wrong by a constant that the files do not tell.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from benchmarks.core.scenes.approach import DroneFile, fly_drones
from benchmarks.core.scenes.convoy import ConvoyFile, Ride, poses_of, rides
from benchmarks.core.scenes.hearing import emission_look
from benchmarks.core.scenes.model import (
    NonNegative,
    Part,
    Paths,
    Positive,
    SceneFile,
    at_time,
    nanoseconds,
    sampled,
    truth_of,
)
from benchmarks.core.scenes.model import Scene as SceneData
from benchmarks.core.scenes.sensing import detected, look_at, rows_of, uniform_clutter
from edge_node.tables.detections_file import HeardScan
from messages.detections import pack
from messages.frames import F64, parent_from_body
from messages.types import SensorDescription, SensorScan

SPEED_OF_SOUND_MPS = 340.3  # dry air at 15 deg C


class DelayFile(Part):
    """How long a scan of one sensor is under way: mean and sigma, kept within ``low_s`` and ``high_s``."""

    mean_s: Positive
    sigma_s: NonNegative
    low_s: Positive = 0.02
    high_s: Positive = 0.25


class ColumnFile(SceneFile):
    """The column, its drones, the delays (sensor -> delay) and the errors that nobody reports."""

    kind: Literal["column"]
    duration_s: Positive = 60.0
    truth_period_s: Positive = 0.25
    convoy: ConvoyFile
    drones: tuple[DroneFile, ...]
    delays: dict[str, DelayFile]
    pose_period_s: Positive = 0.1
    heading_error_deg: dict[str, float] = Field(default_factory=dict)
    """Platform -> what its reported yaw has too much."""
    clock_error_s: dict[str, float] = Field(default_factory=dict)
    """Sensor -> what its reported time of validity has too much."""


def make_column(given: ColumnFile, sensors: tuple[SensorDescription, ...], rng: np.random.Generator) -> SceneData:
    """Return the scene. Each sensor draws from a generator of its own."""
    names = {s.sensor_id for s in sensors} | {s.platform_id for s in sensors}
    unknown = (set(given.clock_error_s) | set(given.heading_error_deg) | set(given.delays)) - names
    if unknown:
        raise ValueError(f"{given.name}: {', '.join(sorted(unknown))}: not a sensor or platform of {given.sensors}")
    motion, vehicles, *own = rng.spawn(2 + len(sensors))
    ridden = rides(given.convoy, vehicles)
    fine = fly_drones(given.drones, given.convoy, given.duration_s, motion)
    audible = [not drone.silent for drone in given.drones]
    heard: list[HeardScan] = []
    for sensor, chance in zip(sensors, own, strict=True):
        heard += sensor_scans(given, sensor, ridden[str(sensor.platform_id)], fine, np.array(audible), chance)
    heard.sort(key=lambda h: (h.t_arrival_ns, h.scan.sensor_id))
    poses = poses_of(given.convoy, ridden, given.duration_s, given.pose_period_s, given.heading_error_deg)
    instants = np.arange(1, round(given.duration_s / given.truth_period_s)) * np.float64(given.truth_period_s)
    truth = truth_of(sampled(fine, np.asarray(instants, dtype=np.float64)))
    return SceneData(given.name, given.kind, given.seed, sensors, tuple(heard), poses, truth)


def sensor_scans(
    given: ColumnFile, sensor: SensorDescription, ride: Ride, fine: Paths, emits: F64, rng: np.random.Generator
) -> list[HeardScan]:
    """Return all scans of one sensor; the first look comes at a random part of its period."""
    delay = given.delays[sensor.sensor_id]
    start = rng.uniform(0.0, sensor.scan_period_s)
    out = []
    for i, t_s in enumerate(np.arange(start, given.duration_s, sensor.scan_period_s).tolist()):
        look = true_look(sensor, ride, fine, t_s)
        if sensor.kind == "rf":
            look = look[emits]
        found = np.concatenate([detected(sensor, look, rng), uniform_clutter(sensor, sensor.clutter_per_scan, rng)])
        late_s = float(np.clip(rng.normal(delay.mean_s, delay.sigma_s), delay.low_s, delay.high_s))
        stamp_s = max(0.0, t_s + given.clock_error_s.get(sensor.sensor_id, 0.0))
        t_ns, arrival_ns = nanoseconds(np.array([stamp_s, t_s + late_s])).tolist()
        rows = rows_of(sensor, found, rng)
        out.append(
            HeardScan(arrival_ns, SensorScan(sensor_id=sensor.sensor_id, scan=i, t_ns=t_ns, detections=pack(rows)))
        )
    return out


def true_look(sensor: SensorDescription, ride: Ride, fine: Paths, t_s: float) -> F64:
    """Return the look (n, 4) in the sensor's axes at its true place; sound shows where the target was."""
    place, enu_from_platform, _ = ride(t_s)
    origin = place + enu_from_platform @ np.array(sensor.position_m)
    enu_from_sensor = enu_from_platform @ parent_from_body(sensor.yaw_rad, sensor.pitch_rad, sensor.roll_rad)
    if sensor.kind == "acoustic":
        return emission_look(fine, t_s, origin, enu_from_sensor, SPEED_OF_SOUND_MPS)
    return look_at(*at_time(fine, t_s), origin, enu_from_sensor)
