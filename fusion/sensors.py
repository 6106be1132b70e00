"""Sensors as the tracker sees them: where one was at a scan's time, what it measures, what it covers."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

import numpy as np

from fusion.config import DetectabilityConfig, SensorConfig
from fusion.kernels.measurement import (
    AZIMUTH,
    EAST,
    ELEVATION,
    G_ALIGN_VAR,
    G_AXES,
    G_LAG_ACCELERATION,
    G_PAIRED,
    G_POSITION_VAR,
    G_SIZE,
    G_SPEED,
    G_TDOA_SPEED,
    G_TILT_VAR,
    G_YAW_VAR,
    N_COMPONENTS,
    RANGE,
    RANGE_RATE,
    TDOA,
)
from messages.detections import INDEX
from messages.frames import ENU_FROM_NORTH_BODY, F64, enu_from_body, parent_from_body, wrap_pi
from messages.types import FieldOfView, PlatformPose, SensorDescription

SPEED_OF_LIGHT_MPS = 299_792_458.0
DEFAULT_POSITION_SIGMA_M = 10.0  # a claimed GNSS position without a stated accuracy (Remote ID: +-7.5 m)
DEFAULT_TDOA_SIGMA_S = 30e-9  # hardware time stamps of two receivers (physics 4.1)
MAX_POSES = 256  # 25 s at 10 Hz: more than any lag that is re-run
MAX_EXTRAPOLATION_S = 1.0  # an older pose is held, not extended: a turn does not go on for ever

VALUE_COLUMNS = np.array(
    [
        INDEX[c]
        for c in ("range_m", "azimuth_rad", "elevation_rad", "range_rate_mps", "east_m", "north_m", "up_m", "tdoa_s")
    ]
)
SIGMA_COLUMNS = np.array(
    [INDEX[c] for c in ("range_sigma_m", "azimuth_sigma_rad", "elevation_sigma_rad", "range_rate_sigma_mps")]
)


class UnknownSensor(ValueError):
    """A scan came from a sensor that never introduced itself, or whose platform has no pose yet."""


class PoseHistory:
    """Poses of one platform in order of time, interpolated on demand; at most MAX_POSES are kept."""

    def __init__(self) -> None:
        self._poses: list[PlatformPose] = []
        self._times: list[int] = []

    def add(self, pose: PlatformPose) -> None:
        """Keep a pose; one of the same time is replaced, the oldest goes where there are too many."""
        i = bisect_left(self._times, pose.t_ns)
        if i < len(self._times) and self._times[i] == pose.t_ns:
            self._poses[i] = pose
            return
        insort(self._times, pose.t_ns)
        self._poses.insert(i, pose)
        if len(self._times) > MAX_POSES:
            del self._times[0], self._poses[0]

    def before(self, t_ns: int) -> int:
        """Return the time of the last pose before t_ns, or -1."""
        i = bisect_left(self._times, t_ns)
        return self._times[i - 1] if i else -1

    @property
    def latest(self) -> PlatformPose:
        """The newest pose."""
        return self._poses[-1]

    def at(self, t_ns: int) -> PlatformPose:
        """Return the pose at t_ns: interpolated, or extended by velocity and turn rate where it is newer than all."""
        i = bisect_left(self._times, t_ns)
        if i < len(self._times) and (self._times[i] == t_ns or i == 0):
            return self._poses[i]
        if i == len(self._times):
            return self._extended(t_ns)
        a, b = self._poses[i - 1], self._poses[i]
        return _blend(a, b, (t_ns - a.t_ns) / (b.t_ns - a.t_ns), t_ns)

    def _extended(self, t_ns: int) -> PlatformPose:
        last = self._poses[-1]
        ahead_s = min((t_ns - last.t_ns) / 1e9, MAX_EXTRAPOLATION_S)
        turn = (0.0, 0.0, 0.0)
        if len(self._poses) > 1:
            before = self._poses[-2]
            span_s = (last.t_ns - before.t_ns) / 1e9
            if span_s <= MAX_EXTRAPOLATION_S:
                turn = (
                    float(wrap_pi(last.yaw_rad - before.yaw_rad)) / span_s,
                    (last.pitch_rad - before.pitch_rad) / span_s,
                    float(wrap_pi(last.roll_rad - before.roll_rad)) / span_s,
                )
        p, v = last.position_m, last.velocity_mps
        return PlatformPose(
            platform_id=last.platform_id,
            t_ns=t_ns,
            position_m=(p[0] + v[0] * ahead_s, p[1] + v[1] * ahead_s, p[2] + v[2] * ahead_s),
            velocity_mps=v,
            yaw_rad=last.yaw_rad + turn[0] * ahead_s,
            pitch_rad=last.pitch_rad + turn[1] * ahead_s,
            roll_rad=last.roll_rad + turn[2] * ahead_s,
            position_sigma_m=last.position_sigma_m,
            yaw_sigma_rad=last.yaw_sigma_rad,
            defended=last.defended,
            airborne=last.airborne,
        )


def _blend(a: PlatformPose, b: PlatformPose, f: float, t_ns: int) -> PlatformPose:
    """Interpolate two poses at the fraction f of the way from a to b; angles along the shorter way."""
    pa, pb, va, vb = a.position_m, b.position_m, a.velocity_mps, b.velocity_mps
    return PlatformPose(
        platform_id=a.platform_id,
        t_ns=t_ns,
        position_m=(pa[0] + f * (pb[0] - pa[0]), pa[1] + f * (pb[1] - pa[1]), pa[2] + f * (pb[2] - pa[2])),
        velocity_mps=(va[0] + f * (vb[0] - va[0]), va[1] + f * (vb[1] - va[1]), va[2] + f * (vb[2] - va[2])),
        yaw_rad=a.yaw_rad + f * float(wrap_pi(b.yaw_rad - a.yaw_rad)),
        pitch_rad=a.pitch_rad + f * (b.pitch_rad - a.pitch_rad),
        roll_rad=a.roll_rad + f * float(wrap_pi(b.roll_rad - a.roll_rad)),
        position_sigma_m=max(a.position_sigma_m, b.position_sigma_m),
        yaw_sigma_rad=max(a.yaw_sigma_rad, b.yaw_sigma_rad),
        defended=a.defended,
        airborne=a.airborne,
    )


@dataclass(frozen=True)
class Place:
    """A sensor's place at one time: ENU position, velocity, rotation to the axes of its angles, pose sigmas."""

    position_m: F64
    velocity_mps: F64
    axes_from_enu: F64
    position_sigma_m: float
    yaw_sigma_rad: float
    enu_from_platform: F64
    enu_from_sensor: F64


class Sensor:
    """One sensor's description, prepared for the kernels."""

    def __init__(
        self, description: SensorDescription, slot: int, config: SensorConfig, pd: DetectabilityConfig
    ) -> None:
        self.description = description
        self.slot = slot
        self.config = config
        sigma = description.sigma
        self.ranged = sigma.range_m is not None
        self.level_pd = np.array(pd.level_factors) * description.detection_probability
        self.level_prior = np.array(pd.ranged_prior if self.ranged else pd.bearing_prior)
        own = config.alignment_share * (sigma.azimuth_rad or 0.0)
        self.alignment_sigma_rad = max(config.alignment_sigma_rad, own)
        position = sigma.position_m or DEFAULT_POSITION_SIGMA_M
        missing = np.nan
        self.per_scan = max(description.clutter_per_scan, config.minimum_clutter_per_scan)
        sigmas = np.array(
            [
                sigma.range_m or missing,
                sigma.azimuth_rad or missing,
                sigma.elevation_rad or missing,
                sigma.range_rate_mps or missing,
                position,
                position,
                position,
                sigma.tdoa_s or DEFAULT_TDOA_SIGMA_S,
            ]
        )
        self.variance = sigmas**2
        self.fov = self.field_of_view(None)
        self.full_extent = self.extent(self.fov, 0.0)
        self._fixed = None if description.platform_id else self._place_fixed()
        self._fixed_geometry: F64 | None = None
        self._fixed_geometry = None if self._fixed is None else self.geometry(self._fixed, None)

    def _place_fixed(self) -> Place:
        d = self.description
        enu_from_sensor = enu_from_body(d.yaw_rad, d.pitch_rad, d.roll_rad)
        axes = self._axes(enu_from_sensor)
        return Place(np.array(d.position_m), np.zeros(3), axes, 0.0, 0.0, ENU_FROM_NORTH_BODY, enu_from_sensor)

    def _axes(self, enu_from_sensor: F64) -> F64:
        chosen = ENU_FROM_NORTH_BODY if self.description.angles == "enu" else enu_from_sensor
        return np.asarray(chosen.T, dtype=np.float64)

    def place(self, pose: PlatformPose | None) -> Place:
        """Return where the sensor is, given its platform's pose at that time (None for a fixed sensor)."""
        if self._fixed is not None:
            return self._fixed
        assert pose is not None
        d = self.description
        enu_from_platform = enu_from_body(pose.yaw_rad, pose.pitch_rad, pose.roll_rad)
        enu_from_sensor = enu_from_platform @ parent_from_body(d.yaw_rad, d.pitch_rad, d.roll_rad)
        return Place(
            np.array(pose.position_m) + enu_from_platform @ np.array(d.position_m),
            np.array(pose.velocity_mps),
            self._axes(enu_from_sensor),
            pose.position_sigma_m,
            pose.yaw_sigma_rad,
            enu_from_platform,
            enu_from_sensor,
        )

    def geometry(self, place: Place, paired: Place | None) -> F64:
        """Return the kernels' geometry vector (G_SIZE,) for a scan taken at this place."""
        if place is self._fixed and paired is None and self._fixed_geometry is not None:
            return self._fixed_geometry
        d, c = self.description, self.config
        g = np.zeros(G_SIZE)
        g[0:3] = place.position_m
        if d.range_rate == "sensor":
            g[3:6] = place.velocity_mps
        g[G_AXES : G_AXES + 9] = place.axes_from_enu.ravel()
        sound = d.kind == "acoustic"
        g[G_SPEED] = c.speed_of_sound_mps if sound else 0.0
        g[G_PAIRED : G_PAIRED + 3] = place.position_m if paired is None else paired.position_m
        g[G_TDOA_SPEED] = c.speed_of_sound_mps if sound else SPEED_OF_LIGHT_MPS
        g[G_POSITION_VAR] = place.position_sigma_m**2
        g[G_YAW_VAR] = place.yaw_sigma_rad**2
        g[G_TILT_VAR] = (place.yaw_sigma_rad * c.tilt_share) ** 2
        g[G_ALIGN_VAR] = 0.0 if d.platform_id is None else self.alignment_sigma_rad**2
        g[G_LAG_ACCELERATION] = c.lag_acceleration_mps2
        return g

    def field_of_view(self, look: FieldOfView | None) -> F64:
        """Return the eight limits that ``kernels.gating.visibility`` takes."""
        fov = look or self.description.field_of_view
        out = np.full(8, np.nan)
        if fov.range_m is not None:
            out[0:2] = fov.range_m
        if fov.azimuth_rad is not None:
            low, high = fov.azimuth_rad
            width = high - low if high >= low else high - low + 2.0 * np.pi
            if width < 2.0 * np.pi - 1e-9:
                out[2:4] = low + width / 2.0, width / 2.0
        if fov.elevation_rad is not None:
            out[4:6] = fov.elevation_rad
        if fov.range_rate_mps is not None:
            out[6:8] = fov.range_rate_mps
        return out

    def extent(self, fov: F64, baseline_m: float) -> F64:
        """Return the extent (8,) of the field of view in each measured component: clutter is uniform in it."""
        c = self.config
        extent = np.empty(N_COMPONENTS)
        extent[RANGE] = c.default_range_m if np.isnan(fov[1]) else fov[1] - fov[0]
        extent[AZIMUTH] = 2.0 * np.pi if np.isnan(fov[3]) else 2.0 * fov[3]
        extent[ELEVATION] = np.pi / 2.0 if np.isnan(fov[5]) else fov[5] - fov[4]
        extent[RANGE_RATE] = 2.0 * c.default_range_rate_mps if np.isnan(fov[7]) else fov[7] - fov[6]
        extent[EAST : EAST + 3] = 2.0 * c.default_range_m, 2.0 * c.default_range_m, 500.0
        sound = self.description.kind == "acoustic"
        extent[TDOA] = 2.0 * max(baseline_m, 1.0) / (c.speed_of_sound_mps if sound else SPEED_OF_LIGHT_MPS)
        return np.maximum(extent, 1e-12)
