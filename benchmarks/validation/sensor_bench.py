"""A bench for sensor models: targets on straight lines over flat ground, one vehicle with any attitude."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from messages.detections import INDEX
from messages.frames import F64, body_direction, enu_from_body, parent_from_body
from scenarios.catalogue import changed_entry, shipped
from scenarios.fit import MountedSensor
from scenarios.schema import Environment
from scenarios.types import TargetType
from sim.platforms import PlatformState
from sim.randomness import generator
from sim.sensors.base import Observation, Sensor
from sim.sensors.factory import build
from sim.sensors.targets import target_table
from sim.world import TargetStates

PROFILES = {
    "radar": "radar_panels",
    "eo": "eo_panorama",
    "ir": "ir_panorama",
    "acoustic": "acoustic_array",
    "rf": "rf_direction_finder",
}
QUIET = {"false_alarms_per_scan": 0.0, "boresight_sigma_deg": 0.0}
MOUNT_M = (0.4, -0.8, 2.5)
MOUNT_RAD = (0.5, 0.02, -0.03)


class FlatGround:
    """Level ground, with a wall where a test wants one."""

    def __init__(self, wall_m: float = 0.0) -> None:
        self.wall_m = wall_m

    def height(self, east_m: F64, north_m: F64) -> F64:
        """Return the height of the ground."""
        away = np.hypot(east_m, north_m)
        return np.where((away > 40.0) & (away < 60.0), self.wall_m, 0.0)

    def ground_at(self, east_m: float, north_m: float) -> float:
        """Return the height of the ground at one place."""
        return 0.0


@dataclass
class Bench:
    """Offers what a sensor asks of a world."""

    position_m: F64
    velocity_mps: F64
    attitude_rad: tuple[float, float, float] = (0.7, 0.04, -0.05)
    platform_velocity_mps: F64 = field(default_factory=lambda: np.zeros(3))
    noise_dba: float = -100.0
    seen: bool = True
    past_own_hull: bool = True
    emitting: bool = True
    terrain: FlatGround = field(default_factory=FlatGround)
    hull_ids: tuple[str, ...] = ("tank_1",)

    def targets(self, t_s: float) -> TargetStates:
        """Return where the targets are."""
        n = len(self.position_m)
        return TargetStates(
            self.position_m + t_s * self.velocity_mps,
            self.velocity_mps,
            np.ones(n, dtype=np.bool_),
            np.full(n, self.emitting),
        )

    def target_track(self, i: int, t_s: F64) -> tuple[F64, F64, Any]:
        """Return position, velocity and presence of one target at times."""
        t = np.asarray(t_s)[:, None]
        v = np.broadcast_to(self.velocity_mps[i], (len(t), 3))
        return self.position_m[i] + t * v, v, np.ones(len(t), dtype=np.bool_)

    def platform(self, platform_id: str, t_s: float) -> PlatformState:
        """Return the state of the vehicle."""
        return PlatformState(
            platform_id,
            t_s * self.platform_velocity_mps,
            self.platform_velocity_mps,
            *self.attitude_rad,
            enu_from_body(*self.attitude_rad),
            "off",
            self.noise_dba,
        )

    def visible(self, origin_m: F64, points_m: F64) -> Any:
        """Return which points the terrain leaves in view."""
        return np.full(len(points_m), self.seen)

    def own_vehicle_clear(self, platform_id: str, t_s: float, origin_m: F64, points_m: F64) -> Any:
        """Return which points the own hull leaves in view."""
        return np.full(len(points_m), self.past_own_hull)


def at_rest(position_m: Any, **changes: Any) -> Bench:
    """Return a bench whose targets do not move."""
    p = np.atleast_2d(np.asarray(position_m, dtype=np.float64))
    return replace(Bench(p, np.zeros_like(p)), **changes)


def moving(position_m: Any, velocity_mps: Any, **changes: Any) -> Bench:
    """Return a bench whose targets move on straight lines."""
    p = np.atleast_2d(np.asarray(position_m, dtype=np.float64))
    return replace(Bench(p, np.broadcast_to(np.asarray(velocity_mps, dtype=np.float64), p.shape)), **changes)


def ring(n: int, range_m: float, elevation_deg: float = 15.0, jitter_m: float = 0.0) -> F64:
    """Return n positions around the sensor, all at one range and elevation from it."""
    azimuth = np.arange(n) * 2.0 * np.pi / n + 0.1
    el = np.radians(elevation_deg)
    direction = np.column_stack([np.sin(azimuth) * np.cos(el), np.cos(azimuth) * np.cos(el), np.full(n, np.sin(el))])
    return np.asarray(origin() + range_m * direction)


def origin(attitude_rad: tuple[float, float, float] = (0.7, 0.04, -0.05)) -> F64:
    """Return where the bench's sensor is, in ENU, at time zero."""
    return np.asarray(enu_from_body(*attitude_rad) @ np.array(MOUNT_M))


def sensor(
    kind: str,
    types: list[TargetType] | TargetType,
    count: int = 1,
    environment: dict[str, Any] | None = None,
    seed: int = 1,
    **changes: Any,
) -> Sensor:
    """Return the catalogue's sensor of a kind or a name, without false alarms and alignment error unless asked for."""
    profile = changed_entry(shipped().sensors[PROFILES.get(kind, kind)], {**QUIET, **changes}, _adapter("sensors"))
    mount = MountedSensor(f"tank_1_{kind}", "tank_1", "tank_1/turret", profile, MOUNT_M, *MOUNT_RAD)
    chosen = types if isinstance(types, list) else [types] * count
    table = target_table([f"target_{i}" for i in range(len(chosen))], chosen, seed)
    place = Environment.model_validate({"wind_mps": 0.0, **(environment or {})})
    return build(mount, table, place, generator(seed, f"sensor/{kind}"))


def target_type(name: str, **changes: Any) -> TargetType:
    """Return a catalogue type with changes; no aspect trend unless asked for."""
    entry = changed_entry(shipped().targets[name], {"rcs_aspect_sigma_db": 0.0, **changes}, _adapter("targets"))
    assert isinstance(entry, TargetType)
    return entry


def looks(model: Sensor, bench: Any, count: int, seed: int = 3, t_s: float = 0.0) -> list[Observation]:
    """Return many looks at one instant."""
    rng = np.random.default_rng(seed)
    return [model.observe(bench, t_s, rng) for _ in range(count)]


def column(observations: list[Observation], name: str) -> F64:
    """Return one column of all rows of many looks."""
    return np.concatenate([o.rows[:, INDEX[name]] for o in observations])


def causes(observations: list[Observation]) -> Any:
    """Return the causes of all rows of many looks."""
    return np.concatenate([o.cause for o in observations])


def enu_of(azimuth_rad: Any, elevation_rad: Any, attitude_rad: tuple[float, float, float] = (0.7, 0.04, -0.05)) -> F64:
    """Return ENU directions of measured angles, through the shared definition of frames alone."""
    rotation = enu_from_body(*attitude_rad) @ parent_from_body(*MOUNT_RAD)
    return np.asarray(body_direction(azimuth_rad, elevation_rad) @ rotation.T)


def _adapter(section: str) -> Any:
    from scenarios.catalogue import SECTIONS

    return SECTIONS[section]
