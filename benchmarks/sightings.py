"""Which sensor saw which target when: detections matched with the truth by geometry.

A detection belongs to the nearest target, in standard deviations, that lies inside its gate, was airborne
and was modelled as visible to that sensor. Sound is compared with the place from which it was emitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.truth_table import SCORED_PD, Flags, TruthTable, at_times
from edge_node.tables.detections_file import HeardScan
from edge_node.tables.table import I64, NS_PER_S
from messages.detections import INDEX, N_COLUMNS, block
from messages.frames import (
    ENU_FROM_NORTH_BODY,
    F64,
    azimuth_elevation_range,
    body_azimuth_elevation_range,
    wrap_pi,
)
from messages.types import PlatformPose, SensorDescription

GATE_D2 = np.array([np.nan, 10.828, 13.816, 16.266])  # chi-square, P = 0.999, by number of coordinates
SOUND_MPS = 340.3  # ISO 2533 at 15 C; 5 % of error moves a bearing at 500 m and 30 m/s by 0.3 deg
EMISSION_STEPS = 3  # each step shrinks the error of the emission time by target speed / speed of sound


class Sighting(NamedTuple):
    """Detections of one sensor: ``t_ns`` (n,), ``target`` (n,) index or -1 for clutter."""

    t_ns: I64
    target: I64


class Mount(NamedTuple):
    """A sensor at n times: ``origin_m`` (n, 3), ``enu_from_sensor`` (n, 3, 3), own position and yaw sigmas (n,)."""

    origin_m: F64
    enu_from_sensor: F64
    position_sigma_m: F64
    yaw_sigma_rad: F64


def rotations(yaw_rad: F64, pitch_rad: F64, roll_rad: F64) -> F64:
    """Return (n, 3, 3) rotations from a body's axes to its parent's, as ``messages.frames`` defines them."""
    cy, sy, cp, sp = np.cos(yaw_rad), np.sin(yaw_rad), np.cos(pitch_rad), np.sin(pitch_rad)
    cr, sr = np.cos(roll_rad), np.sin(roll_rad)
    rows = [
        [cy * cp, sy * cr - cy * sp * sr, -sy * sr - cy * sp * cr],
        [-sy * cp, cy * cr + sy * sp * sr, -cy * sr + sy * sp * cr],
        [sp, cp * sr, cp * cr],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def mount_at(sensor: SensorDescription, poses: Sequence[PlatformPose], t_ns: I64) -> Mount:
    """Return where a sensor was at given times; ``poses`` are those of its platform, in order of time."""
    n = len(t_ns)
    turn = rotations(*(np.full(n, a) for a in (sensor.yaw_rad, sensor.pitch_rad, sensor.roll_rad)))
    place = np.broadcast_to(np.array(sensor.position_m), (n, 3))
    if sensor.platform_id is None or not poses:
        return Mount(place, ENU_FROM_NORTH_BODY @ turn, np.zeros(n), np.zeros(n))
    at, known = t_ns / NS_PER_S, np.array([p.t_ns for p in poses]) / NS_PER_S
    attitude = np.unwrap(np.array([(p.yaw_rad, p.pitch_rad, p.roll_rad) for p in poses]), axis=0)
    yaw, pitch, roll = (np.interp(at, known, attitude[:, i]) for i in range(3))
    enu_from_platform = ENU_FROM_NORTH_BODY @ rotations(yaw, pitch, roll)
    position = np.array([p.position_m for p in poses])
    origin = np.stack([np.interp(at, known, position[:, i]) for i in range(3)], axis=1)
    return Mount(
        origin + np.einsum("nij,nj->ni", enu_from_platform, place),
        enu_from_platform @ turn,
        np.interp(at, known, [p.position_sigma_m for p in poses]),
        np.interp(at, known, [p.yaw_sigma_rad for p in poses]),
    )


def sightings(
    heard: Iterable[HeardScan],
    sensors: Sequence[SensorDescription],
    poses: Iterable[PlatformPose],
    truth: TruthTable,
) -> dict[str, Sighting]:
    """Return each sensor's detections with the target that each belongs to."""
    by_platform: dict[str, list[PlatformPose]] = {}
    for pose in poses:
        by_platform.setdefault(pose.platform_id, []).append(pose)
    scans: dict[str, list[HeardScan]] = {sensor.sensor_id: [] for sensor in sensors}
    for item in heard:
        scans[item.scan.sensor_id].append(item)
    return {
        sensor.sensor_id: _of_sensor(sensor, by_platform.get(sensor.platform_id or "", []), scans, truth)
        for sensor in sensors
    }


def _of_sensor(
    sensor: SensorDescription, poses: Sequence[PlatformPose], scans: dict[str, list[HeardScan]], truth: TruthTable
) -> Sighting:
    own = scans[sensor.sensor_id]
    blocks = [block(item.scan)[:, :N_COLUMNS] for item in own]
    if not sum(map(len, blocks)):
        return Sighting(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    rows = np.concatenate(blocks)
    t_ns = np.repeat(np.array([item.scan.t_ns for item in own], dtype=np.int64), [len(b) for b in blocks])
    mount = mount_at(sensor, poses, t_ns)
    best, owner = np.full(len(rows), np.inf), np.full(len(rows), -1, dtype=np.int64)
    for target in range(len(truth.target_ids)):
        position, possible = _position(sensor, mount.origin_m, truth, target, t_ns)
        d2 = np.where(possible, _gated_d2(sensor, mount, rows, position), np.inf)
        owner[d2 < best] = target
        best = np.minimum(best, d2)
    return Sighting(t_ns, owner)


def _position(sensor: SensorDescription, origin_m: F64, truth: TruthTable, target: int, t_ns: I64) -> tuple[F64, Flags]:
    """Return where the target seemed to be (retarded for sound), and whether the sensor could see it."""
    position, airborne = at_times(truth, target, t_ns)
    if sensor.kind == "acoustic":
        for _ in range(EMISSION_STEPS):
            delay_ns = np.linalg.norm(position - origin_m, axis=1) / SOUND_MPS * NS_PER_S
            position, airborne = at_times(truth, target, t_ns - np.rint(delay_ns).astype(np.int64))
    if not truth.pd:
        return position, airborne  # a truth without the model's word: whatever flies may be seen
    if sensor.sensor_id not in truth.pd:
        return position, np.zeros_like(airborne)  # the model saw nothing with this sensor
    rows = truth.rows(target)
    last = np.clip(np.searchsorted(truth.t_ns[rows], t_ns, side="right") - 1, 0, None)
    pd = truth.pd[sensor.sensor_id][rows]
    near = np.maximum(pd[last], pd[np.minimum(last + 1, len(rows) - 1)])  # the look may lie on either side
    return position, airborne & (near > SCORED_PD)


def _sigma(rows: F64, name: str, default: float | None) -> F64:
    quantity, unit = name.rsplit("_", 1)
    own = rows[:, INDEX[f"{quantity}_sigma_{unit}"]]
    return np.where(np.isnan(own), np.nan if default is None else default, own)


def _gated_d2(sensor: SensorDescription, mount: Mount, rows: F64, position_m: F64) -> F64:
    """Return (n,) squared distances in standard deviations, infinite outside the gate."""
    offset = position_m - mount.origin_m
    if sensor.angles == "enu":
        azimuth, elevation, range_m = azimuth_elevation_range(offset)
    else:
        azimuth, elevation, range_m = body_azimuth_elevation_range(
            np.einsum("nji,nj->ni", mount.enu_from_sensor, offset)
        )
    sigma, far = sensor.sigma, np.maximum(range_m, 1.0)
    up_turn = mount.position_sigma_m / far
    turn = up_turn / np.maximum(np.cos(elevation), 0.05)  # beyond 87 degrees azimuth says nothing more
    variance = (
        _sigma(rows, "range_m", sigma.range_m) ** 2 + mount.position_sigma_m**2,
        _sigma(rows, "azimuth_rad", sigma.azimuth_rad) ** 2 + turn**2 + mount.yaw_sigma_rad**2,
        _sigma(rows, "elevation_rad", sigma.elevation_rad) ** 2 + up_turn**2,
    )
    difference = (
        rows[:, INDEX["range_m"]] - range_m,
        wrap_pi(rows[:, INDEX["azimuth_rad"]] - azimuth),
        rows[:, INDEX["elevation_rad"]] - elevation,
    )
    squares = [d**2 / v for d, v in zip(difference, variance, strict=True)]
    if sigma.position_m is not None:
        claimed = rows[:, INDEX["east_m"] : INDEX["up_m"] + 1] - position_m
        squares.extend((claimed / sigma.position_m).T ** 2)
    terms = np.stack(squares)
    d2 = np.nansum(terms, axis=0)
    gate = GATE_D2[np.minimum(np.count_nonzero(~np.isnan(terms), axis=0), 3)]
    return np.where(d2 <= gate, d2, np.inf)
