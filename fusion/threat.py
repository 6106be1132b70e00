"""Threat assessment: closest point of approach to each defended platform, from which side, how urgent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fusion.identity import CLASSES
from messages.types import Aspect, PlatformPose, Track

DRONE_NAMES = CLASSES[:4]
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class ThreatConfig:
    """Limits of the assessment; each with its reason."""

    still_mps: float = 1.0
    """Slower relative motion has no direction: the closest point is now."""
    horizon_s: float = 120.0
    """A 50 m/s drone launched at 6 km is 120 s away (physics 6); no prediction is worth more."""
    steep_rad: float = 0.61
    """35 degrees: a steeper dive meets the roof before the sides."""
    overhead_rad: float = 0.79
    """45 degrees of elevation: seen from the hull the target is above, not beside."""
    front_rad: float = 0.79
    """45 degrees to each side of the bow is front, of the stern rear: the usual quarters of armour."""
    near_m: float = 300.0
    """Scale of the miss distance that still counts: a drone passing within can turn in within seconds."""
    soon_s: float = 40.0
    """Scale of the time to closest approach in the priority: about the length of a terminal attack."""


@dataclass(frozen=True)
class Threat:
    """What one track means for the platform that it threatens most."""

    platform_id: str
    range_m: float
    azimuth_rad: float
    elevation_rad: float
    speed_mps: float
    closing_mps: float
    time_to_closest_s: float
    distance_at_closest_m: float
    miss_sigma_m: float
    aspect: Aspect
    drone_probability: float
    bird_probability: float
    priority: float


def drone_probability(track: Track) -> float:
    """Return the probability that the track is a drone of any kind."""
    return min(sum(track.class_probabilities.get(name, 0.0) for name in DRONE_NAMES), 1.0)


def assess(track: Track, platforms: Sequence[PlatformPose], config: ThreatConfig | None = None) -> Threat | None:
    """Return the threat to the defended platform with the highest priority, or None where none is defended."""
    config = config or ThreatConfig()
    threats = [_to_platform(track, pose, config) for pose in platforms if pose.defended]
    return max(threats, key=lambda t: (t.priority, -t.range_m), default=None)


def closest_approach(offset_m: Vector, velocity_mps: Vector, config: ThreatConfig) -> tuple[float, float]:
    """Return time to and distance at the closest point: ``t = -r.v / |v|^2``, never in the past, ``d = |r + v t|``."""
    speed2 = _dot(velocity_mps, velocity_mps)
    if speed2 < config.still_mps**2:
        return 0.0, math.sqrt(_dot(offset_m, offset_m))
    t = min(max(-_dot(offset_m, velocity_mps) / speed2, 0.0), config.horizon_s)
    return t, math.hypot(*(r + v * t for r, v in zip(offset_m, velocity_mps, strict=True)))


def aspect_of(
    offset_m: Vector,
    velocity_mps: Vector,
    azimuth_rad: float,
    elevation_rad: float,
    yaw_rad: float,
    config: ThreatConfig,
) -> Aspect:
    """Return the side of the hull that faces the target; top where it is overhead or dives steeply at it."""
    level = math.hypot(velocity_mps[0], velocity_mps[1])
    diving = -velocity_mps[2] > math.tan(config.steep_rad) * max(level, config.still_mps)
    if elevation_rad >= config.overhead_rad or (diving and _dot(offset_m, velocity_mps) < 0.0):
        return "top"
    relative = abs(math.remainder(azimuth_rad - yaw_rad, math.tau))
    if relative <= config.front_rad:
        return "front"
    return "rear" if relative >= math.pi - config.front_rad else "flank"


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _miss_sigma(covariance: tuple[float, ...], t: float) -> float:
    """Return the sigma of one coordinate of the position predicted by t, from the upper triangle of the covariance."""
    position = covariance[0] + covariance[6] + covariance[11]
    cross = covariance[3] + covariance[9] + covariance[14]
    velocity = covariance[15] + covariance[18] + covariance[20]
    return math.sqrt(max(position + 2.0 * t * cross + t * t * velocity, 0.0) / 3.0)


def _to_platform(track: Track, pose: PlatformPose, config: ThreatConfig) -> Threat:
    x, p, w = track.state, pose.position_m, pose.velocity_mps
    offset = (x[0] - p[0], x[1] - p[1], x[2] - p[2])
    velocity = (x[3] - w[0], x[4] - w[1], x[5] - w[2])
    distance = math.sqrt(_dot(offset, offset))
    azimuth = math.atan2(offset[0], offset[1]) % math.tau
    elevation = math.atan2(offset[2], math.hypot(offset[0], offset[1]))
    t, miss = closest_approach(offset, velocity, config)
    closing = -_dot(offset, velocity) / max(distance, 1.0)
    drone = drone_probability(track)
    return Threat(
        platform_id=pose.platform_id,
        range_m=distance,
        azimuth_rad=azimuth,
        elevation_rad=elevation,
        speed_mps=math.hypot(x[3], x[4], x[5]),
        closing_mps=closing,
        time_to_closest_s=t,
        distance_at_closest_m=miss,
        miss_sigma_m=_miss_sigma(track.covariance, t),
        aspect=aspect_of(offset, velocity, azimuth, elevation, pose.yaw_rad, config),
        drone_probability=drone,
        bird_probability=track.class_probabilities.get("bird", 0.0),
        priority=_priority(track.existence * drone, distance, t, miss, closing, config),
    )


def _priority(likely: float, distance: float, t: float, miss: float, closing: float, config: ThreatConfig) -> float:
    """Return 0..1: a likely drone, soon and near; one that does not close counts by its distance alone."""
    near = math.exp(-distance / (4.0 * config.near_m))
    coming = math.exp(-t / config.soon_s) / (1.0 + (miss / config.near_m) ** 2) if closing > config.still_mps else 0.0
    return min(max(likely * max(near, coming), 0.0), 1.0)
