"""A narrow camera on a pan-tilt head: it obeys the node's cues, and searches by itself without one.

Each look says what it covered. While the head slews, and until it has settled, the picture is smeared:
such a look covers no range, so that nobody takes its silence for an empty sky.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from messages.frames import body_azimuth_elevation_range, enu_direction, parent_from_body
from messages.types import FieldOfView, SensorCue, SensorHead
from scenarios.fit import MountedSensor
from scenarios.schema import Environment
from sim.sensors.base import MIN_COS_ELEVATION, Observation
from sim.sensors.camera import Camera
from sim.sensors.head import Direction, PanTiltHead
from sim.sensors.targets import TargetTable
from sim.world import World

OVERLAP = 0.9  # of a field: steps of the search, so that nothing falls between two
STEP_SHARE = 0.25  # of the narrower field: a correction up to this does not smear the picture (estimate)


class PointedCamera(Camera):
    """One camera on a head; cues wait ``cue_latency_s`` before the head obeys."""

    def __init__(
        self, mount: MountedSensor, targets: TargetTable, environment: Environment, rng: np.random.Generator
    ) -> None:
        """Prepare the camera, and the head at home."""
        super().__init__(mount, targets, environment, rng)
        plan = self.profile.pan_tilt
        if plan is None:
            raise TypeError(f"{mount.sensor_id}: profile {mount.profile.name} has no pan_tilt")
        self._plan = plan
        self._reach = FieldOfView(range_m=self.range_m, azimuth_rad=self.azimuth_rad, elevation_rad=self.elevation_rad)
        self._width_rad = float(np.radians(self.profile.hfov_deg))
        self._height_rad = float(np.radians(self.profile.vfov_deg))
        # The axes as the head knows them: it does not know its own alignment error.
        self._platform_from_axes = parent_from_body(mount.yaw_rad, mount.pitch_rad, mount.roll_rad)
        self._steps = _search(plan.home_deg, plan.search_width_deg, OVERLAP * self.profile.hfov_deg)
        self._waiting: deque[tuple[float, SensorCue]] = deque()
        self._cue: SensorCue | None = None
        half = self._width_rad / 2.0, self._height_rad / 2.0
        self.head = PanTiltHead(
            self._steps[0],
            rate_radps=float(np.radians(plan.slew_rate_degps)),
            settle_s=plan.settle_s,
            step_rad=STEP_SHARE * min(self._width_rad, self._height_rad),
            azimuth_rad=_inside(self.azimuth_rad, half[0]),
            elevation_rad=_inside(self.elevation_rad, half[1]),
        )

    def head_message(self) -> SensorHead:
        """Return what the camera says of its head."""
        return SensorHead(
            sensor_id=self.sensor_id,
            horizontal_rad=self._width_rad,
            vertical_rad=self._height_rad,
            slew_rate_radps=float(np.radians(self._plan.slew_rate_degps)),
            settle_s=self._plan.settle_s,
        )

    def hear(self, cue: SensorCue, t_s: float) -> None:
        """Take a cue that was heard at ``t_s``; it is obeyed after the latency."""
        self._waiting.append((t_s + self._plan.cue_latency_s, cue))

    def described_view(self, far_m: float) -> FieldOfView:
        """Return all that the head can be turned to, out to ``far_m``."""
        return FieldOfView(
            range_m=(self.range_m[0], far_m),
            azimuth_rad=self._reach.azimuth_rad,
            elevation_rad=self._reach.elevation_rad,
        )

    def observe(self, world: World, t_s: float, rng: np.random.Generator) -> Observation:
        """Turn the head on to ``t_s``, and return what the camera sees there: nothing while it slews."""
        self._turn(world, t_s)
        half = (
            self._width_rad / 2.0 / max(float(np.cos(self.head.elevation_rad)), MIN_COS_ELEVATION),
            self._height_rad / 2,
        )
        azimuth, elevation = self.head.azimuth_rad, self.head.elevation_rad
        self.azimuth_rad = azimuth - half[0], azimuth + half[0]
        self.elevation_rad = elevation - half[1], elevation + half[1]
        good = self.head.good()
        look = FieldOfView(
            range_m=(self.range_m[0], self._far_m) if good else (0.0, 0.0),
            azimuth_rad=self.azimuth_rad,
            elevation_rad=self.elevation_rad,
        )
        if good:
            seen = super().observe(world, t_s, rng)
            return Observation(seen.rows, seen.class_names, seen.cause, seen.detection_probability, look)
        none = np.empty(0, np.int64)
        return Observation(self.empty_rows(0), self.class_model.names, none, np.zeros(len(self.targets)), look)

    @property
    def _far_m(self) -> float:
        """The described range: a look covers no more of a nominal drone's."""
        described = self.description.field_of_view.range_m
        return self.range_m[1] if described is None else described[1]

    def _turn(self, world: World, t_s: float) -> None:
        while self._waiting and self._waiting[0][0] <= t_s:
            obeyed_s, cue = self._waiting.popleft()
            self.head.turn(obeyed_s, self._wish(world, obeyed_s))
            if self._cue is None or cue.t_ns >= self._cue.t_ns:
                self._cue = cue
        self.head.turn(t_s, self._wish(world, t_s))

    def _wish(self, world: World, t_s: float) -> Direction:
        """Return where the head should point: along the cue while it is young, else at the next step of the search."""
        if self._cue is not None and t_s - self._cue.t_ns / 1e9 <= self._plan.cue_hold_s:
            return self._cued(world, self._cue, t_s)
        return self._steps[int(t_s / self._plan.search_dwell_s) % len(self._steps)]

    def _cued(self, world: World, cue: SensorCue, t_s: float) -> Direction:
        """Return a cue's direction at a time, in the axes of the mount: gyros keep the head steady on its platform."""
        ahead_s = t_s - cue.t_ns / 1e9
        direction = enu_direction(
            cue.azimuth_rad + ahead_s * cue.azimuth_rate_radps, cue.elevation_rad + ahead_s * cue.elevation_rate_radps
        )
        platform = world.platform(self.mount.platform_id, t_s)
        azimuth, elevation, _ = body_azimuth_elevation_range(
            direction @ (platform.enu_from_body @ self._platform_from_axes)
        )
        return float(azimuth), float(elevation)


def _search(home_deg: tuple[float, float], width_deg: float, step_deg: float) -> tuple[Direction, ...]:
    """Return the directions [rad] of one round of the search: from the left to the right and back, at home's height."""
    azimuth, elevation = np.radians(home_deg)
    half = np.radians(max(width_deg - step_deg, 0.0)) / 2.0
    count = int(np.ceil(2.0 * half / np.radians(step_deg))) + 1 if half > 0.0 else 1
    there = np.linspace(azimuth - half, azimuth + half, count)
    return tuple((float(a), float(elevation)) for a in [*there, *there[-2:0:-1]])


def _inside(interval: Direction, half: float) -> Direction:
    """Return where the middle of a field may lie so that all of it is inside an interval."""
    if interval[1] - interval[0] >= 2.0 * np.pi - 1e-9:
        return interval
    return interval[0] + half, interval[1] - half
