"""Drones spread over a radar's field of view, each nearly straight: the scene of the speed comparison."""

from __future__ import annotations

from typing import Literal

import numpy as np

from benchmarks.core.scenes.model import Count, NonNegative, Paths, SceneFile, Span, truth_of
from benchmarks.core.scenes.model import Scene as SceneData
from benchmarks.core.scenes.radar import radar_scans, scan_times, with_clutter
from benchmarks.core.scenes.sensing import in_view, look_at
from messages.frames import F64, enu_direction
from messages.types import FieldOfView, SensorDescription

EDGE_SHARE = 0.01  # of each interval: a target stays so far inside the field of view
ROUNDS = 200  # draws of candidates before the parameters are called impossible


class SpreadFile(SceneFile):
    """``targets`` drones start uniform in range, azimuth and elevation and never leave the field of view."""

    kind: Literal["spread"]
    targets: Count
    clutter_per_scan: NonNegative
    scans: Count = 200
    speed_mps: Span = (5.0, 30.0)
    climb_mps: Span = (-2.0, 2.0)
    acceleration_intensity_m2ps3: NonNegative = 0.3
    """White noise on each axis: after 10 s the velocity has wandered by 1.7 m/s: steady flight in gusts."""


def make_spread(given: SpreadFile, sensors: tuple[SensorDescription, ...], rng: np.random.Generator) -> SceneData:
    """Return the scene."""
    (radar,) = sensors
    motion, sensing = rng.spawn(2)
    radar = with_clutter(radar, given.clutter_per_scan)
    paths = straight_paths(given, radar, scan_times(radar, given.scans), motion)
    heard = radar_scans(radar, paths, given.clutter_per_scan, sensing)
    return SceneData(given.name, given.kind, given.seed, (radar,), heard, (), truth_of(paths))


def straight_paths(given: SpreadFile, radar: SensorDescription, t_s: F64, rng: np.random.Generator) -> Paths:
    """Draw candidates until enough of them stay in view from the first scan to the last."""
    inner = shrunk(radar.field_of_view)
    kept: list[tuple[F64, F64]] = []
    found = 0
    for _ in range(ROUNDS):
        paths = candidates(given, inner, t_s, rng)
        ok = np.ones(paths.position_m.shape[1], dtype=np.bool_)
        for position, velocity in zip(paths.position_m, paths.velocity_mps, strict=True):
            ok &= in_view(look_at(position, velocity, np.array(radar.position_m)), inner)
        kept.append((paths.position_m[:, ok], paths.velocity_mps[:, ok]))
        found += int(ok.sum())
        if found >= given.targets:
            position, velocity = (np.concatenate([k[i] for k in kept], axis=1)[:, : given.targets] for i in (0, 1))
            return Paths(t_s, position, velocity)
    raise ValueError(f"{given.name}: speed_mps = {given.speed_mps}: too fast to stay in the field of view")


def shrunk(view: FieldOfView) -> FieldOfView:
    """Return the field of view without its edges."""

    def inner(interval: Span | None) -> Span:
        low, high = interval or (0.0, 0.0)
        edge = EDGE_SHARE * (high - low)
        return low + edge, high - edge

    return FieldOfView(
        range_m=inner(view.range_m),
        azimuth_rad=view.azimuth_rad,
        elevation_rad=inner(view.elevation_rad),
        range_rate_mps=inner(view.range_rate_mps),
    )


def candidates(given: SpreadFile, view: FieldOfView, t_s: F64, rng: np.random.Generator) -> Paths:
    """Return nearly-constant-velocity paths with a uniform start in the measured coordinates.

    Exact discretisation of white acceleration noise of intensity q over a step T: position and velocity
    are disturbed with covariance ``q [[T^3/3, T^2/2], [T^2/2, T]]`` (Bar-Shalom et al. 2001, section 6.2.2).
    """
    n, k = given.targets, len(t_s)
    spans = [view.range_m or (0.0, 0.0), view.azimuth_rad or (0.0, 0.0), view.elevation_rad or (0.0, 0.0)]
    range_m, azimuth, elevation = (rng.uniform(low, high, n) for low, high in spans)
    heading, speed = rng.uniform(0.0, 2.0 * np.pi, n), rng.uniform(*given.speed_mps, n)
    climb = rng.uniform(*given.climb_mps, n)
    position, velocity = np.empty((k, n, 3)), np.empty((k, n, 3))
    position[0] = range_m[:, None] * enu_direction(azimuth, elevation)
    velocity[0] = np.stack([speed * np.sin(heading), speed * np.cos(heading), climb], axis=1)
    q = given.acceleration_intensity_m2ps3
    for i, dt in enumerate(np.diff(t_s).tolist()):
        a, b = rng.standard_normal((2, n, 3))
        velocity[i + 1] = velocity[i] + np.sqrt(q * dt) * a
        disturbed = np.sqrt(q * dt**3) * (a / 2.0 + b / np.sqrt(12.0))
        position[i + 1] = position[i] + dt * velocity[i] + disturbed
    return Paths(t_s, position, velocity)
