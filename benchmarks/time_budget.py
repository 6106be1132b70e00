"""Layers of protection as a budget of time: which of them had time between the WARNING and the threat's arrival.

Nothing is released and no effect is modelled: each layer is the number of seconds that it needs. For every pair of a
defended platform and a threat that comes near it, the budget is the warning time of that pair, and the margin of a
layer is that budget less its need: ``margin = (t_closest - t_warning) - needs``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.approach import Approach, closest_approach, interpolated_positions
from benchmarks.truth_table import TruthTable
from edge_node.tables.table import NS_PER_S
from fusion.threat import ThreatConfig, aspect_of
from messages.types import Aspect, PlatformPose
from scenarios.protection import Layer
from scenarios.types import EVERY_ASPECT

NEAR_M = ThreatConfig().near_m  # the node's own scale: a drone that passes within can turn in within seconds
RUN_IN_S = 2.0
"""How long before its closest approach a threat's side is read: at a hit the offset has no direction any more, and
2 s (60 to 80 m of an FPV's last leg) are late enough to be on that leg."""


def time_budgets(
    truth: TruthTable,
    threats: Sequence[int],
    warned_s: Mapping[int, float | None],
    platforms: Mapping[str, list[PlatformPose]],
    layers: Mapping[str, Sequence[Layer]],
) -> dict[str, Any]:
    """Return the budget of each pair of platform and near threat, and how often each layer had time, by aspect.

    ``threats`` are indices of targets, ``warned_s`` when the first WARNING that belongs to each was given (None or
    missing: never), ``platforms`` the poses of each defended platform (see ``defended_tracks``), ``layers`` the layers
    of each (missing: none). The warning time is negative where the WARNING came after the closest approach. A pair
    whose threat never comes within ``NEAR_M`` is left out.
    """
    pairs = []
    for target in threats:
        for name, poses in platforms.items():
            approach = closest_approach(truth, target, {name: poses})
            if approach is not None and approach.distance_m <= NEAR_M:
                aspect = run_in_aspect(truth, target, poses, approach.time_s)
                pairs.append(
                    _pair(truth.target_ids[target], approach, aspect, warned_s.get(target), layers.get(name, ()))
                )
    return {"near_m": NEAR_M, "pairs": pairs, "by_aspect": {aspect: _counts(pairs, aspect) for aspect in EVERY_ASPECT}}


def run_in_aspect(truth: TruthTable, target: int, poses: list[PlatformPose], closest_s: float) -> Aspect:
    """Return the side of the hull that faced an airborne target ``RUN_IN_S`` before its closest approach.

    A target that took off later than that is seen at its first airborne row. The rule is the node's own
    (``fusion.threat.aspect_of``), on the truth: what the crew was told is in the alert.
    """
    rows = truth.rows(target)
    rows = rows[truth.airborne[rows]]
    before = rows[truth.t_ns[rows] / NS_PER_S <= closest_s - RUN_IN_S]
    row = before[-1:] if len(before) else rows[:1]
    time_s = truth.t_ns[row] / NS_PER_S
    known = np.array([pose.t_ns for pose in poses]) / NS_PER_S
    moving = np.array([pose.velocity_mps for pose in poses])
    yaw = float(np.interp(time_s, known, np.unwrap([pose.yaw_rad for pose in poses]))[0])
    offset = (truth.position_m[row] - interpolated_positions(poses, time_s))[0]
    velocity = truth.velocity_mps[row][0] - [np.interp(time_s, known, moving[:, i])[0] for i in range(3)]
    east, north, up = offset.tolist()
    azimuth, elevation = math.atan2(east, north), math.atan2(up, math.hypot(east, north))
    return aspect_of((east, north, up), tuple(velocity.tolist()), azimuth, elevation, yaw, ThreatConfig())


def _pair(
    target_id: str, approach: Approach, aspect: Aspect, warned_s: float | None, layers: Sequence[Layer]
) -> dict[str, Any]:
    warning_time_s = None if warned_s is None else approach.time_s - warned_s
    return {
        "platform_id": approach.platform_id,
        "target_id": target_id,
        "aspect": aspect,
        "closest_approach_s": approach.time_s,
        "closest_approach_m": approach.distance_m,
        "warning_time_s": warning_time_s,
        "layers": [layer_budget(layer, aspect, warning_time_s) for layer in layers],
    }


def layer_budget(layer: Layer, aspect: Aspect, warning_time_s: float | None) -> dict[str, Any]:
    """Return need, margin and verdict of one layer; without a WARNING there is no margin and no layer had time.

    ``had_time`` is false too where the layer does not cover the side that the threat comes from; ``covers`` tells the
    two apart.
    """
    margin_s = None if warning_time_s is None else warning_time_s - layer.needs_s
    covers = aspect in layer.aspects
    return {
        "name": layer.name,
        "needs_s": layer.needs_s,
        "covers": covers,
        "margin_s": margin_s,
        "had_time": covers and margin_s is not None and margin_s >= 0.0,
    }


def _counts(pairs: Sequence[dict[str, Any]], aspect: Aspect) -> dict[str, Any]:
    """Return the number of pairs of one aspect, and for each layer how many of them it covers and had time in."""
    own = [pair for pair in pairs if pair["aspect"] == aspect]
    counts: dict[str, dict[str, int]] = {}
    for layer in (layer for pair in own for layer in pair["layers"]):
        count = counts.setdefault(layer["name"], {"covers": 0, "had_time": 0})
        count["covers"] += layer["covers"]
        count["had_time"] += layer["had_time"]
    return {"pairs": len(own), "layers": counts}
