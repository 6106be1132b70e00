"""Threat assessment: closest point of approach to each defended platform, from which side, how urgent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fusion.identity import CLASSES
from messages.frames import F64, azimuth_elevation_range, wrap_pi
from messages.types import Aspect, PlatformPose, Track

DRONE_NAMES = CLASSES[:4]


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


def covariance(track: Track) -> F64:
    """Return the (6, 6) covariance of a track message."""
    full = np.zeros((6, 6))
    full[np.triu_indices(6)] = track.covariance
    return np.asarray(full + np.triu(full, 1).T, dtype=np.float64)


def assess(track: Track, platforms: Sequence[PlatformPose], config: ThreatConfig | None = None) -> Threat | None:
    """Return the threat to the defended platform with the highest priority, or None where none is defended."""
    config = config or ThreatConfig()
    P = covariance(track)
    threats = [_to_platform(track, P, pose, config) for pose in platforms if pose.defended]
    return max(threats, key=lambda t: (t.priority, -t.range_m), default=None)


def closest_approach(offset_m: F64, velocity_mps: F64, config: ThreatConfig) -> tuple[float, float]:
    """Return time to and distance at the closest point: ``t = -r.v / |v|^2``, never in the past, ``d = |r + v t|``."""
    speed2 = float(velocity_mps @ velocity_mps)
    if speed2 < config.still_mps**2:
        return 0.0, float(np.linalg.norm(offset_m))
    t = min(max(-float(offset_m @ velocity_mps) / speed2, 0.0), config.horizon_s)
    return t, float(np.linalg.norm(offset_m + velocity_mps * t))


def aspect_of(
    offset_m: F64, velocity_mps: F64, azimuth_rad: float, elevation_rad: float, yaw_rad: float, config: ThreatConfig
) -> Aspect:
    """Return the side of the hull that faces the target; top where it is overhead or dives steeply at it."""
    level = float(np.hypot(velocity_mps[0], velocity_mps[1]))
    diving = -float(velocity_mps[2]) > np.tan(config.steep_rad) * max(level, config.still_mps)
    if elevation_rad >= config.overhead_rad or (diving and float(offset_m @ velocity_mps) < 0.0):
        return "top"
    relative = abs(float(wrap_pi(azimuth_rad - yaw_rad)))
    if relative <= config.front_rad:
        return "front"
    return "rear" if relative >= np.pi - config.front_rad else "flank"


def _to_platform(track: Track, P: F64, pose: PlatformPose, config: ThreatConfig) -> Threat:
    state = np.array(track.state)
    offset = state[:3] - np.array(pose.position_m)
    velocity = state[3:] - np.array(pose.velocity_mps)
    azimuth, elevation, distance = (float(a) for a in azimuth_elevation_range(offset))
    t, miss = closest_approach(offset, velocity, config)
    closing = -float(offset @ velocity) / max(distance, 1.0)
    predicted = P[:3, :3] + t * (P[:3, 3:] + P[3:, :3]) + t * t * P[3:, 3:]
    sigma = float(np.sqrt(max(np.trace(predicted) / 3.0, 0.0)))
    drone = drone_probability(track)
    return Threat(
        platform_id=pose.platform_id,
        range_m=distance,
        azimuth_rad=azimuth,
        elevation_rad=elevation,
        speed_mps=float(np.linalg.norm(state[3:])),
        closing_mps=closing,
        time_to_closest_s=t,
        distance_at_closest_m=miss,
        miss_sigma_m=sigma,
        aspect=aspect_of(offset, velocity, azimuth, elevation, pose.yaw_rad, config),
        drone_probability=drone,
        bird_probability=track.class_probabilities.get("bird", 0.0),
        priority=_priority(track.existence * drone, distance, t, miss, closing, config),
    )


def _priority(likely: float, distance: float, t: float, miss: float, closing: float, config: ThreatConfig) -> float:
    """Return 0..1: a likely drone, soon and near; one that does not close counts by its distance alone."""
    near = np.exp(-distance / (4.0 * config.near_m))
    coming = np.exp(-t / config.soon_s) / (1.0 + (miss / config.near_m) ** 2) if closing > config.still_mps else 0.0
    return float(min(max(likely * max(near, coming), 0.0), 1.0))
