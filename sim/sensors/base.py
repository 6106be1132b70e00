"""What all sensor models share: the true pose of the instrument, who is in view, the observation that comes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from messages.detections import INDEX, N_COLUMNS
from messages.frames import F64, body_azimuth_elevation_range, inside_sector, parent_from_body, wrap_pi
from messages.types import FieldOfView, HealthState, MeasurementSigma, SensorCue, SensorDescription, SensorHead
from scenarios.fit import MountedSensor
from scenarios.schema import Environment
from scenarios.sensors import SensorProfile
from sim.sensors.classes import ClassModel
from sim.sensors.jamming import Jammer
from sim.sensors.targets import TargetTable
from sim.world import World

FALSE_ALARM = -1  # cause of a detection without a target
NEGLIGIBLE = 1e-4  # a Pd below this counts as none: one detection in a thousand seconds of 10 Hz looks
NOMINAL_PD = 0.15  # the described range ends where the nominal small drone's Pd falls below this
GROUND_HUGGING_SHARE = 0.25  # of the false alarms: swaying trees, vehicles, insects near the horizon (estimate)
GROUND_HUGGING_RAD = float(np.radians(1.5))  # spread of their elevation about the horizon (estimate)
MIN_COS_ELEVATION = 0.05  # an azimuth has no meaning straight overhead: its sigma stops growing there


@dataclass(frozen=True)
class Observation:
    """One look: the detection rows, what caused each, and the modelled Pd of every target before the draw."""

    rows: F64  # (m, N_COLUMNS + class names)
    class_names: tuple[str, ...]
    cause: NDArray[np.int64]  # (m,) index of the target, or FALSE_ALARM
    detection_probability: F64  # (n,)
    look: FieldOfView | None = None  # what it covered, where that is not what the description says


@dataclass(frozen=True)
class Pose:
    """The true pose of an instrument at one instant."""

    origin_m: F64  # (3,) ENU
    velocity_mps: F64  # (3,) ENU
    enu_from_sensor: F64  # (3, 3)
    noise_dba: float


@dataclass(frozen=True)
class View:
    """The k targets inside the coverage, seen from the true pose, in the sensor's own axes."""

    index: NDArray[np.int64]  # (k,) into the targets
    offset_m: F64  # (k, 3) ENU, from the sensor
    velocity_mps: F64  # (k, 3) ENU, over ground
    range_m: F64
    azimuth_rad: F64
    elevation_rad: F64
    emitting: NDArray[np.bool_]

    def subset(self, keep: NDArray[np.bool_]) -> View:
        """Return only the targets that ``keep`` (k,) names."""
        return View(
            self.index[keep],
            self.offset_m[keep],
            self.velocity_mps[keep],
            self.range_m[keep],
            self.azimuth_rad[keep],
            self.elevation_rad[keep],
            self.emitting[keep],
        )


class Sensor(ABC):
    """One instrument on its mount. ``observe`` draws from the generator that it is given, and from nothing else."""

    best_confidence = 1.0  # what the profile's class confidence is capped at, by kind

    def __init__(
        self, mount: MountedSensor, targets: TargetTable, environment: Environment, rng: np.random.Generator
    ) -> None:
        """Place the instrument; the constant alignment error that nobody knows of is drawn here, once."""
        self.mount = mount
        self.sensor_id = mount.sensor_id
        self.environment = environment
        self.targets = targets
        self.jammers: tuple[Jammer, ...] = ()  # noise at the next look; set and taken away by whoever has it look
        profile: SensorProfile = mount.profile
        self.common = profile
        self.boresight_sigma_rad = float(np.radians(profile.boresight_sigma_deg))
        error = rng.standard_normal(2) * self.boresight_sigma_rad
        self._platform_from_sensor = parent_from_body(
            mount.yaw_rad + float(error[0]), mount.pitch_rad + float(error[1]), mount.roll_rad
        )
        self._position_m = np.array(mount.position_m)
        coverage = profile.field_of_view
        self.range_m = coverage.range_m
        self.azimuth_rad = (float(np.radians(coverage.azimuth_deg[0])), float(np.radians(coverage.azimuth_deg[1])))
        self.elevation_rad = (
            float(np.radians(coverage.elevation_deg[0])),
            float(np.radians(coverage.elevation_deg[1])),
        )
        self.class_model = ClassModel(
            profile.classes, min(profile.class_confidence, self.best_confidence), targets.target_class
        )

    @abstractmethod
    def observe(self, world: World, t_s: float, rng: np.random.Generator) -> Observation:
        """Return what the instrument reports of a look at ``t_s``."""

    @abstractmethod
    def nominal_probability(self, range_m: F64) -> F64:
        """Return Pd of the nominal small drone in the open at ranges (k,): no masking, no own motion."""

    @abstractmethod
    def nominal_sigma(self, range_m: float) -> MeasurementSigma:
        """Return the accuracies for the nominal small drone at a range."""

    @cached_property
    def description(self) -> SensorDescription:
        """How the instrument introduces itself: what an honest maker would say of it for a nominal small drone.

        The range ends where Pd falls below ``NOMINAL_PD``, ``detection_probability`` is the mean inside
        it, the sigmas are those at half of it. Larger targets are seen further out as well.
        """
        ranges: F64 = np.linspace(max(self.range_m[0], 1.0), self.range_m[1], 400, dtype=np.float64)
        probability = self.nominal_probability(ranges)
        good = np.flatnonzero(probability >= NOMINAL_PD)
        last = int(good[-1]) if len(good) else len(ranges) // 20
        far = float(ranges[last])
        mean = float(np.mean(probability[: last + 1]))
        return SensorDescription(
            sensor_id=self.sensor_id,
            kind=self.common.kind,
            platform_id=self.mount.platform_id,
            position_m=self.mount.position_m,
            yaw_rad=self.mount.yaw_rad,
            pitch_rad=self.mount.pitch_rad,
            roll_rad=self.mount.roll_rad,
            angles="sensor",
            range_rate="ground",
            sigma=self.nominal_sigma(far / 2.0),
            detection_probability=min(max(mean, 0.01), 1.0),
            clutter_per_scan=self.common.false_alarms_per_scan,
            field_of_view=self.described_view(far),
            scan_period_s=self.common.scan_period_s,
            doppler_notch_mps=self.doppler_notch(),
        )

    def described_view(self, far_m: float) -> FieldOfView:
        """Return the described field of view, out to ``far_m``."""
        return FieldOfView(
            range_m=(self.range_m[0], far_m), azimuth_rad=self.azimuth_rad, elevation_rad=self.elevation_rad
        )

    def health(self, world: World, t_s: float) -> tuple[HealthState, str]:
        """Return the sensor's own word on its health, with the reason where it is not normal."""
        return "NORMAL", ""

    def head_message(self) -> SensorHead | None:
        """Return what the instrument says of its head; None for one that cannot be pointed."""
        return None

    def hear(self, cue: SensorCue, t_s: float) -> None:
        """Take a cue that was heard at ``t_s``. Raises TypeError: an instrument that cannot be pointed gets none."""
        raise TypeError(f"{self.sensor_id}: cannot be pointed, and has a cue at {t_s:g} s for track {cue.track_id}")

    def doppler_notch(self) -> float:
        """Return the radial speed below which nothing is seen; 0 for all but radars."""
        return 0.0

    def pose(self, world: World, t_s: float) -> Pose:
        """Return the true pose of the instrument."""
        p = world.platform(self.mount.platform_id, t_s)
        origin = p.position_m + p.enu_from_body @ self._position_m
        return Pose(origin, p.velocity_mps, p.enu_from_body @ self._platform_from_sensor, p.noise_dba)

    def view(self, world: World, t_s: float, pose: Pose) -> View:
        """Return the airborne targets inside the coverage; nothing is masked yet."""
        truth = world.targets(t_s)
        index = np.flatnonzero(truth.airborne)
        offset = truth.position_m[index] - pose.origin_m
        azimuth, elevation, distance = body_azimuth_elevation_range(offset @ pose.enu_from_sensor)
        everyone = View(index, offset, truth.velocity_mps[index], distance, azimuth, elevation, truth.emitting[index])
        return everyone.subset(self.covered(distance, azimuth, elevation))

    def covered(self, range_m: F64, azimuth_rad: F64, elevation_rad: F64) -> NDArray[np.bool_]:
        """Say which directions and ranges lie inside the coverage."""
        inside = (range_m >= self.range_m[0]) & (range_m <= self.range_m[1])
        inside &= (elevation_rad >= self.elevation_rad[0]) & (elevation_rad <= self.elevation_rad[1])
        if self.azimuth_rad[1] - self.azimuth_rad[0] < 2.0 * np.pi - 1e-9:
            inside &= inside_sector(azimuth_rad, *self.azimuth_rad)
        return np.asarray(inside, dtype=np.bool_)

    def unmasked(self, world: World, t_s: float, pose: Pose, view: View, probability: F64) -> F64:
        """Return the Pd (k,) after line of sight: zero behind terrain, trees and the own vehicle.

        Rays are traced only where there is anything to lose.
        """
        worth = np.flatnonzero(probability > NEGLIGIBLE)
        out = np.zeros_like(probability)
        if len(worth):
            points = pose.origin_m + view.offset_m[worth]
            seen = world.visible(pose.origin_m, points)
            seen &= world.own_vehicle_clear(self.mount.platform_id, t_s, pose.origin_m, points)
            out[worth] = np.where(seen, probability[worth], 0.0)
        return out

    def all_targets(self, view: View, probability: F64) -> F64:
        """Return Pd (n,) of all targets from that of the k in view."""
        out = np.zeros(len(self.targets))
        out[view.index] = probability
        return out

    def empty_rows(self, m: int) -> F64:
        """Return m rows in which nothing is measured yet."""
        return np.full((m, N_COLUMNS + len(self.class_model.names)), np.nan)

    def false_directions(self, m: int, rng: np.random.Generator, pose: Pose) -> tuple[F64, F64, NDArray[np.bool_]]:
        """Draw azimuth and elevation of m false alarms: uniform over the coverage, a share of them near the horizon.

        Returns which ones those are, too: they come from things on the ground.
        """
        if not m:
            return np.empty(0), np.empty(0), np.empty(0, dtype=np.bool_)
        azimuth = rng.uniform(*self.azimuth_rad, m)
        elevation = rng.uniform(*self.elevation_rad, m)
        hugging = rng.random(m) < GROUND_HUGGING_SHARE
        low = rng.normal(0.0, GROUND_HUGGING_RAD, m)
        # Where the horizon lies in the sensor's axes: "up" turned by the pitch of the whole instrument.
        forward = np.cos(azimuth) * pose.enu_from_sensor[2, 0] - np.sin(azimuth) * pose.enu_from_sensor[2, 1]
        horizon = -np.arctan2(forward, pose.enu_from_sensor[2, 2])
        elevation = np.where(hugging, np.clip(horizon + low, *self.elevation_rad), elevation)
        return wrap_pi(azimuth), elevation, hugging

    def finish(
        self, rows: F64, cause: NDArray[np.int64], quality: F64, probability: F64, rng: np.random.Generator
    ) -> Observation:
        """Add the class scores and close the observation; the order of the rows says nothing of their cause."""
        if not len(rows):
            return Observation(rows, self.class_model.names, cause, probability)
        rows[:, N_COLUMNS:] = self.class_model.scores(cause, quality, rng)
        order = rng.permutation(len(rows))
        return Observation(rows[order], self.class_model.names, cause[order], probability)


def put(rows: F64, **columns: F64) -> None:
    """Fill named columns of a block."""
    for name, values in columns.items():
        rows[:, INDEX[name]] = values


def azimuth_sigma(angle_sigma_rad: F64, elevation_rad: F64) -> F64:
    """Return the sigma of an azimuth from that across the line of sight: meridians converge with elevation."""
    return np.asarray(angle_sigma_rad / np.maximum(np.cos(elevation_rad), MIN_COS_ELEVATION))


def wrapped_noise(azimuth_rad: F64, sigma_rad: F64, rng: np.random.Generator) -> F64:
    """Return azimuths with noise, wrapped to ``[-pi, pi)``."""
    return wrap_pi(azimuth_rad + sigma_rad * rng.standard_normal(len(azimuth_rad)))


def noisy_elevation(elevation_rad: F64, sigma_rad: F64, rng: np.random.Generator) -> F64:
    """Return elevations with noise, kept within a right angle of the horizon."""
    noisy = elevation_rad + sigma_rad * rng.standard_normal(len(elevation_rad))
    return np.clip(noisy, -np.pi / 2.0, np.pi / 2.0)
