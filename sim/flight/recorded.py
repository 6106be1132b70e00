"""Recorded flights: the rows of a file as a trajectory, at the steps that all flights have."""

from __future__ import annotations

import math

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from scenarios.flightplan import RecordedFlight
from scenarios.types import TargetType
from sim.flight.pilot import DRONE_STEP_S, ON_GROUND_M
from sim.flight.trajectory import Trajectory
from sim.terrain import Terrain


def recorded(flight: RecordedFlight, kind: TargetType, terrain: Terrain) -> Trajectory:
    """Return a flight of a file: cubic between its rows, over the ground, airborne from its first row to its last.

    What would lie below the ground is lifted onto it: heights of a recording and of a terrain are seldom the same.
    """
    rows = flight.file.rows
    begin_s = rows.time_s[0] if flight.start_s is None else flight.start_s
    spline = CubicHermiteSpline(rows.time_s, rows.position_m, rows.velocity_mps)
    steps = max(1, math.ceil((rows.time_s[-1] - rows.time_s[0]) / DRONE_STEP_S - 1e-9))
    t_s = np.minimum(rows.time_s[0] + DRONE_STEP_S * np.arange(steps + 1), rows.time_s[-1])
    position, velocity = spline(t_s) + np.array(flight.offset_m), spline(t_s, 1)
    ground = terrain.height(position[:, 0], position[:, 1])
    if rows.above_ground:
        position[:, 2] += ground
        velocity[:, 2] += np.gradient(ground, DRONE_STEP_S)
    position[:, 2] = np.maximum(position[:, 2], ground + ON_GROUND_M)
    threat = kind.threat if flight.threat is None else flight.threat
    end_s = float(begin_s + rows.time_s[-1] - rows.time_s[0])
    silent_s = math.inf if flight.silent_after_s is None else float(begin_s) + flight.silent_after_s
    return Trajectory(
        flight.id,
        kind,
        threat,
        float(begin_s),
        end_s,
        silent_s,
        DRONE_STEP_S,
        np.asarray(position),
        np.asarray(velocity),
    )
