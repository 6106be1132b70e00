"""POSES.csv <-> PlatformPose.

Columns beyond the format's own: ``v_east_mps, v_north_mps, v_up_mps`` (else the velocity follows from
the positions), ``defended`` (1 for a platform that is to be warned) and ``airborne`` (1 for an own drone in flight;
written where there is one).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from edge_node.tables.table import I64, NS_PER_S, Layout, Table, read_table
from edge_node.tables.writing import seconds, write_table
from messages.frames import F64
from messages.types import PlatformPose

POSITION = ("east_m", "north_m", "up_m")
ATTITUDE = ("yaw_deg", "pitch_deg", "roll_deg")
VELOCITY = ("v_east_mps", "v_north_mps", "v_up_mps")
LAYOUT = Layout(
    numbers=("time_s", *POSITION, *ATTITUDE, "position_sigma_m", "yaw_sigma_deg", *VELOCITY, "defended", "airborne"),
    texts=("platform",),
    required=("time_s", "platform", *POSITION, *ATTITUDE),
)


def read_poses(path: Path) -> list[PlatformPose]:
    """Return the poses of a file in order of time, or raise TableError."""
    table = read_table(path, LAYOUT)
    t_ns = table.times_ns("time_s")
    position = np.stack([table.filled(name) for name in POSITION], axis=1)
    for i, name in enumerate(POSITION):
        limit = 1e5 if name == "up_m" else 1e6
        table.require(np.abs(position[:, i]) <= limit, name, f"must be within -{limit:g}..{limit:g}")
    attitude = np.stack([table.filled(name) for name in ATTITUDE], axis=1)
    for i, name in enumerate(ATTITUDE):
        table.require(np.abs(attitude[:, i]) <= 400.0, name, "must be within -400..400")
    sigma = np.stack([_sigma(table, "position_sigma_m"), np.radians(_sigma(table, "yaw_sigma_deg"))], axis=1)
    platforms = table.text("platform")
    table.require(np.array([bool(name) for name in platforms], dtype=np.bool_), "platform", "must be named")
    velocity = _velocity(table, platforms, t_ns, position)
    radians = np.radians(attitude)
    defended, airborne = (np.nan_to_num(table.number(name)) > 0.0 for name in ("defended", "airborne"))
    order = np.argsort(t_ns, kind="stable").tolist()
    return [
        PlatformPose(
            platform_id=platforms[i],
            t_ns=int(t_ns[i]),
            position_m=tuple(position[i].tolist()),
            velocity_mps=tuple(velocity[i].tolist()),
            yaw_rad=float(radians[i, 0]),
            pitch_rad=float(radians[i, 1]),
            roll_rad=float(radians[i, 2]),
            position_sigma_m=float(sigma[i, 0]),
            yaw_sigma_rad=float(sigma[i, 1]),
            defended=bool(defended[i]),
            airborne=bool(airborne[i]),
        )
        for i in order
    ]


def _sigma(table: Table, name: str) -> F64:
    values = np.nan_to_num(table.number(name), nan=0.0)
    table.require(values >= 0.0, name, "must be >= 0 (a standard deviation)")
    return values


def _velocity(table: Table, platforms: list[str], t_ns: I64, position: F64) -> F64:
    """Return (n, 3) velocities: as written, or by central differences of each platform's positions."""
    given = np.stack([table.number(name) for name in VELOCITY], axis=1)
    out = np.where(np.isnan(given).any(axis=1, keepdims=True), 0.0, given)
    names = np.array(platforms, dtype=np.str_)
    for name in sorted(set(platforms)):
        rows = np.flatnonzero(names == name)
        rows = rows[np.argsort(t_ns[rows], kind="stable")]
        rows = rows[np.concatenate(([True], np.diff(t_ns[rows]) > 0))]
        if len(rows) > 1 and np.isnan(given[rows]).any():
            out[rows] = np.gradient(position[rows], t_ns[rows] / NS_PER_S, axis=0)
    return np.clip(out, -1e3, 1e3)  # the message's own limit; a jump of the position is not a speed


def write_poses(path: Path, poses: Iterable[PlatformPose]) -> None:
    """Write poses in order of time, then platform."""
    rows = sorted(poses, key=lambda pose: (pose.t_ns, pose.platform_id))
    position = np.array([pose.position_m for pose in rows]).reshape(-1, 3)
    attitude = np.degrees(np.array([(p.yaw_rad, p.pitch_rad, p.roll_rad) for p in rows]).reshape(-1, 3))
    velocity = np.array([pose.velocity_mps for pose in rows]).reshape(-1, 3)
    columns: dict[str, Any] = {
        "time_s": seconds(np.array([pose.t_ns for pose in rows], dtype=np.int64)),
        "platform": [pose.platform_id for pose in rows],
        **dict(zip(POSITION, position.T, strict=True)),
        **dict(zip(ATTITUDE, attitude.T, strict=True)),
        "position_sigma_m": np.array([pose.position_sigma_m for pose in rows]),
        "yaw_sigma_deg": np.degrees(np.array([pose.yaw_sigma_rad for pose in rows])),
        **dict(zip(VELOCITY, velocity.T, strict=True)),
        "defended": np.array([pose.defended for pose in rows], dtype=np.bool_),
    }
    if any(pose.airborne for pose in rows):
        columns["airborne"] = np.array([pose.airborne for pose in rows], dtype=np.bool_)
    write_table(path, columns)
