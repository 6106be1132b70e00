"""Closest approach of a target to the defended platforms, and when it first could be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.truth_table import TruthTable
from edge_node.tables.table import NS_PER_S
from messages.frames import F64
from messages.types import PlatformPose

VISIBLE_PD = 0.5  # "visible": at least one sensor's modelled Pd at or above this


class Approach(NamedTuple):
    """When, how near, and to which platform."""

    time_s: float
    distance_m: float
    platform_id: str


def defended_tracks(poses: Sequence[PlatformPose]) -> dict[str, list[PlatformPose]]:
    """Return the poses of each defended platform (each hull where no pose says who is defended)."""
    marked = any(pose.defended for pose in poses)
    out: dict[str, list[PlatformPose]] = {}
    for pose in poses:
        if pose.defended or (not marked and "/" not in pose.platform_id):
            out.setdefault(pose.platform_id, []).append(pose)
    return dict(sorted(out.items()))


def closest_approach(truth: TruthTable, target: int, platforms: dict[str, list[PlatformPose]]) -> Approach | None:
    """Return the closest approach of an airborne target to any of the platforms; None where there is none."""
    rows = truth.rows(target)
    rows = rows[truth.airborne[rows]]
    best: Approach | None = None
    for name, poses in platforms.items():
        if not len(rows):
            break
        time_s = truth.t_ns[rows] / NS_PER_S
        offset_m = truth.position_m[rows] - interpolated_positions(poses, time_s)
        at_s, distance_m = nearest_point(time_s, offset_m)
        if best is None or distance_m < best.distance_m:
            best = Approach(at_s, distance_m, name)
    return best


def interpolated_positions(poses: Sequence[PlatformPose], time_s: F64) -> F64:
    """Return (n, 3) positions of one platform at (n,) times, linear between its poses, held at both ends [m, ENU]."""
    known = np.array([pose.t_ns for pose in poses]) / NS_PER_S
    place = np.array([pose.position_m for pose in poses])
    return np.stack([np.interp(time_s, known, place[:, i]) for i in range(3)], axis=1)


def nearest_point(time_s: F64, offset_m: F64) -> tuple[float, float]:
    """Return time and length of the shortest offset along a polyline of (n, 3) offsets at (n,) times."""
    start, step = offset_m[:-1], np.diff(offset_m, axis=0)
    length2 = np.einsum("ij,ij->i", step, step)
    share = -np.einsum("ij,ij->i", start, step) / np.where(length2 > 0.0, length2, 1.0)
    share = np.concatenate((np.clip(share, 0.0, 1.0), [0.0]))
    step = np.concatenate((step, np.zeros((1, 3))))
    distance = np.linalg.norm(offset_m + share[:, None] * step, axis=1)
    i = int(np.argmin(distance))
    width = time_s[i + 1] - time_s[i] if i + 1 < len(time_s) else 0.0
    return float(time_s[i] + share[i] * width), float(distance[i])


def first_visibility_s(truth: TruthTable, target: int) -> float | None:
    """Return when any sensor's modelled Pd for the airborne target first reaches ``VISIBLE_PD``."""
    rows = truth.rows(target)
    seen = rows[truth.airborne[rows] & (truth.best_pd()[rows] >= VISIBLE_PD)]
    return float(truth.t_ns[seen[0]]) / NS_PER_S if len(seen) else None
