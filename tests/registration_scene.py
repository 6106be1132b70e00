"""Traffic of several drones before vehicles whose poses or clocks may be wrong; no code of the simulator in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from fusion_scene import RADAR_SIGMA, camera, polar, pose, radar, scan_of

from fusion.config import RegistrationConfig, TrackerConfig
from fusion.tracker import Tracker
from messages.types import PlatformPose, SensorDescription, SensorScan

Item = PlatformPose | SensorScan
CAMERA_SIGMA = 1e-3
VEHICLES = {"tank_1": (0.0, 0.0), "tank_2": (150.0, -30.0), "tank_3": (310.0, 20.0), "tank_4": (440.0, -60.0)}
RADARS = ("tank_1", "tank_3")


@dataclass
class Traffic:
    """What is wrong (stated minus true), and how long and how much flies."""

    yaw_rad: dict[str, float] = field(default_factory=dict)
    clock_s: dict[str, float] = field(default_factory=dict)
    seconds: float = 60.0
    drones: int = 5
    vehicles: Sequence[str] = tuple(VEHICLES)
    yaw_sigma_rad: float = 0.0
    seed: int = 1

    def flight(self, t: float) -> tuple[np.ndarray, np.ndarray]:
        """Positions and velocities (drones, 3): circles about places 500 to 900 m away, 15 to 25 m/s."""
        i = np.arange(self.drones)
        bearing, away = -0.9 + 1.8 * i / max(self.drones - 1, 1), 500.0 + 100.0 * (i % 5)
        radius, speed = 150.0 + 40.0 * (i % 3), 15.0 + 2.5 * (i % 5)
        w = speed / radius * np.where(i % 2 == 0, 1.0, -1.0)
        a = w * t + i
        centre = np.stack([220.0 + away * np.sin(bearing), away * np.cos(bearing), 60.0 + 15.0 * (i % 4)], axis=1)
        p = centre + np.stack([radius * np.cos(a), radius * np.sin(a), 0.0 * a], axis=1)
        v = np.stack([-radius * w * np.sin(a), radius * w * np.cos(a), 0.0 * a], axis=1)
        return p, v

    def sensors(self) -> list[SensorDescription]:
        """A camera on each vehicle, a radar on two of them; the camera's angles are its own, the radar's ENU."""
        eyes = [camera(f"eo_{v[-1]}", (0.0, 0.0, 2.0), platform_id=v, angles="sensor") for v in self.vehicles]
        return eyes + [radar(f"radar_{v[-1]}", platform_id=v, clutter=1.0) for v in self.vehicles if v in RADARS]

    def items(self) -> list[Item]:
        """Poses and scans in order of their stamps."""
        rng = np.random.default_rng(self.seed)
        out: list[Item] = []
        for v in self.vehicles:
            place = (*VEHICLES[v], 0.0)
            for k in range(round(self.seconds) + 2):
                yaw = self.yaw_rad.get(v, 0.0)
                out.append(pose(v, float(k), place, yaw_rad=yaw, yaw_sigma_rad=self.yaw_sigma_rad))
        for n, sensor in enumerate(self.sensors()):
            for k in range(1, round(self.seconds / sensor.scan_period_s)):
                t = (k + n / 10.0) * sensor.scan_period_s
                out.append(self._look(sensor, k, t, rng))
        return sorted(out, key=lambda x: x.t_ns)

    def _look(self, sensor: SensorDescription, k: int, t: float, rng: np.random.Generator) -> SensorScan:
        assert sensor.platform_id is not None
        p, v = self.flight(t - self.clock_s.get(sensor.sensor_id, 0.0))
        place = np.array([*VEHICLES[sensor.platform_id], 0.0])
        place[2] = sensor.position_m[2]
        turned = self.yaw_rad.get(sensor.platform_id, 0.0) if sensor.angles == "enu" else 0.0
        rows = []
        for i in range(self.drones):
            noise, seen = rng.normal(size=4), rng.random() < 0.85
            r, az, el, rate = polar(p[i], v[i], tuple(place))
            if seen and sensor.kind == "radar":
                z = np.array([r, az + turned, el, rate]) + noise * RADAR_SIGMA
                rows.append([z[0], z[1] % (2 * math.pi), z[2], z[3]])
            elif seen:
                rows.append([math.nan, az + turned + noise[0] * CAMERA_SIGMA, el + noise[1] * CAMERA_SIGMA])
        return scan_of(sensor.sensor_id, k, round(t * 1e9), rows)


def follow(traffic: Traffic, estimate: bool = True, after_s: float = 40.0) -> tuple[Tracker, float]:
    """Track the traffic; return the tracker and the RMSE [m] of its reported tracks after a time."""
    tracker = Tracker(TrackerConfig(registration=RegistrationConfig(enabled=estimate)))
    for sensor in traffic.sensors():
        tracker.add_sensor(sensor)
    errors = []
    for item in traffic.items():
        if isinstance(item, PlatformPose):
            tracker.set_pose(item)
            continue
        result = tracker.step(item)
        if item.t_ns < after_s * 1e9:
            continue
        p, _ = traffic.flight(item.t_ns / 1e9)
        for track in result.tracks:
            errors.append(float(((p - np.array(track.state[:3])) ** 2).sum(axis=1).min()))
    return tracker, math.sqrt(sum(errors) / len(errors))
