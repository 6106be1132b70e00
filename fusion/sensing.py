"""All sensors and platforms that the tracker knows, and scans made ready for the kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.config import TrackerConfig
from fusion.identity import scan_evidence
from fusion.kernels.bundles import Look
from fusion.kernels.consider import N_BLOCK
from fusion.kernels.measurement import RANGE
from fusion.kernels.reading import read_rows
from fusion.sensors import SIGMA_COLUMNS, VALUE_COLUMNS, Place, PoseHistory, Sensor, UnknownSensor
from fusion.step import Scan
from messages.detections import INDEX, N_COLUMNS, block
from messages.frames import F64
from messages.types import PlatformPose, SensorDescription, SensorScan

I64 = NDArray[np.int64]

ANGULAR_SIZE = INDEX["angular_size_rad"]
LONE_RANGE_M = (5.0, 3000.0)  # what an angular size may say of the range


class SensorBook:
    """Descriptions by sensor, poses by platform; every sensor has a slot in the track table's columns."""

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self.sensors: dict[str, Sensor] = {}
        self._poses: dict[str, PoseHistory] = {}
        self.level_priors: F64 = np.empty((0, len(config.detectability.level_factors)))
        self.names: list[tuple[int, str]] = []
        self.places: I64 = np.empty(0, np.int64)
        self.ranged_pause_s = config.existence.coast_after_s
        self.support_s = config.existence.support_s
        self.ranging: F64 = np.empty(0)
        self._carried: dict[str | None, F64] = {}
        self._blocks: dict[str, int] = {}  # first column of each platform's errors

    def add(self, description: SensorDescription) -> int:
        """Introduce or replace a sensor; return its slot."""
        known = self.sensors.get(description.sensor_id)
        slot = known.slot if known else len(self.sensors)
        if slot >= self._config.max_sensors:
            raise ValueError(
                f"sensor {description.sensor_id}: more than max_sensors = {self._config.max_sensors} sensors; "
                "raise TrackerConfig.max_sensors"
            )
        sensor = Sensor(description, slot, self._config.sensors, self._config.detectability)
        self.sensors[description.sensor_id] = sensor
        self.level_priors = np.array([s.level_prior for s in self.sensors.values()])
        self.names = [(s.slot, name) for name, s in self.sensors.items()]
        self.places = self._precise_places()
        self.ranging = np.array([float(s.ranged) for s in self.sensors.values()])
        # A slow sensor's own pause is no silence.
        pauses = [2.5 * s.description.scan_period_s for s in self.sensors.values() if s.ranged]
        self.ranged_pause_s = max([self._config.existence.coast_after_s, *pauses])
        self.support_s = max(self._config.existence.support_s, self.ranged_pause_s)
        self._carried = {}
        if description.platform_id is not None:
            self._blocks.setdefault(description.platform_id, N_BLOCK * len(self._blocks))
        return slot

    def _precise_places(self) -> I64:
        """Return the number of its place for each precise bearing sensor (S,), -1 for all others."""
        names: dict[str, int] = {}
        out = np.full(len(self.sensors), -1)
        for sensor in self.sensors.values():
            d = sensor.description
            sigma = max(d.sigma.azimuth_rad or np.inf, d.sigma.elevation_rad or np.inf)
            if not sensor.ranged and sigma <= self._config.birth.max_bearing_sigma_rad:
                out[sensor.slot] = names.setdefault(d.platform_id or d.sensor_id, len(names))
        return out

    @property
    def errors(self) -> int:
        """How many errors all platforms have together."""
        return N_BLOCK * len(self._blocks)

    def uses(self, description: SensorDescription) -> bool:
        """Say whether this description is the one in use."""
        known = self.sensors.get(description.sensor_id)
        return known is not None and (known.description is description or known.description == description)

    def set_pose(self, pose: PlatformPose) -> None:
        """Keep a platform's pose."""
        self._poses.setdefault(pose.platform_id, PoseHistory()).add(pose)

    def pose_before(self, platform_id: str, t_ns: int) -> int:
        """Return the time of the last pose of a platform before t_ns, or -1."""
        history = self._poses.get(platform_id)
        return history.before(t_ns) if history else -1

    def carried_with(self, sensor: Sensor) -> F64:
        """Return 1 for each slot (S,) whose sensor stands on the same platform, and so shares its pose error."""
        platform = sensor.description.platform_id
        if platform is None:
            return np.zeros(len(self.sensors))
        if platform not in self._carried:
            same = [s.description.platform_id == platform for s in self.sensors.values()]
            self._carried[platform] = np.array(same, dtype=np.float64)
        return self._carried[platform]

    def prepare(self, scan: SensorScan) -> Scan:
        """Return a scan ready for the kernels; raise UnknownSensor or BlockError, and change nothing."""
        sensor = self._sensor(scan.sensor_id)
        place = self._place(sensor, scan.t_ns)
        paired = self._place(self._sensor(scan.paired_sensor_id), scan.t_ns) if scan.paired_sensor_id else None
        rows = block(scan)
        fov = sensor.field_of_view(scan.look) if scan.look is not None else sensor.fov
        baseline = float(np.linalg.norm(paired.position_m - place.position_m)) if paired is not None else 0.0
        extent = sensor.extent(fov, baseline) if paired is not None or scan.look is not None else sensor.full_extent
        m, platform = len(rows), sensor.description.platform_id
        z8, var8, located, density = np.empty((m, 8)), np.empty((m, 8)), np.empty(m), np.empty(m)
        keep, measured = np.empty(m, np.int64), np.zeros(8, np.bool_)
        args = VALUE_COLUMNS, SIGMA_COLUMNS, sensor.variance, extent, sensor.per_scan, paired is not None
        count = read_rows(rows, *args, keep, z8, var8, located, density, measured)
        if count < m:
            rows, z8, var8, located, density = (
                rows[keep[:count]],
                z8[:count],
                var8[:count],
                located[:count],
                density[:count],
            )
        lone = self._lone(scan.t_ns)
        size = np.ascontiguousarray(rows[:, ANGULAR_SIZE])
        if lone and self._assume_range(z8, var8, density, size, sensor.description.scan_period_s, extent):
            measured[RANGE] = True
        used = np.flatnonzero(measured)
        ratio, evidence = scan_evidence(sensor.description.kind, rows[:, N_COLUMNS:], scan.class_names)
        look = Look(
            g=sensor.geometry(place, paired),
            fov=fov,
            used=used,
            z=z8 if len(used) == 8 else np.ascontiguousarray(z8[:, used]),
            var=var8 if len(used) == 8 else np.ascontiguousarray(var8[:, used]),
            density=density,
            located=located,
            class_ratio=ratio,
            evidence=evidence,
            level_prior=sensor.level_prior,
            level_pd=sensor.level_pd,
            carried=self.carried_with(sensor),
            ranging=self.ranging,
            slot=sensor.slot,
            block=-1 if platform is None else self._blocks[platform],
            notch_mps=float(sensor.description.doppler_notch_mps),
            t_ns=scan.t_ns,
            period_s=float(sensor.description.scan_period_s),
        )
        return Scan(sensor, place, scan.t_ns, look, z8, var8, size, lone)

    def _assume_range(self, z8: F64, var8: F64, density: F64, size_rad: F64, period_s: float, extent: F64) -> bool:
        """Fill in the range (m,) that a lone camera's angular sizes say; return whether there was any.

        Its sigma is half of it. Without it the range variance of a lone camera's track grows without bound, and
        an extended filter loses the bearing once its range sigma exceeds the range. The assumed size is wrong by
        the same factor in every look, so its variance is multiplied by the looks in ``size_memory_s``.
        """
        birth = self._config.birth
        known = np.isnan(z8[:, RANGE]) & (size_rad > 0.0)
        range_m = np.clip(birth.drone_size_m / np.where(known, size_rad, 1.0), *LONE_RANGE_M)
        looks = max(1.0, birth.size_memory_s / period_s)
        z8[known, RANGE] = range_m[known]
        var8[known, RANGE] = ((0.5 * range_m) ** 2 * looks)[known]
        density[known] /= extent[RANGE]
        return bool(known.any())

    def _sensor(self, sensor_id: str) -> Sensor:
        try:
            return self.sensors[sensor_id]
        except KeyError:
            raise UnknownSensor(f"scan of sensor {sensor_id}: no description of it has arrived") from None

    def _place(self, sensor: Sensor, t_ns: int) -> Place:
        platform = sensor.description.platform_id
        if platform is None:
            return sensor.place(None)
        history = self._poses.get(platform)
        if history is None:
            raise UnknownSensor(
                f"scan of sensor {sensor.description.sensor_id}: its platform {platform} has sent no pose"
            )
        return sensor.place(history.at(t_ns))

    def place_at(self, sensor: Sensor, t_ns: int) -> Place:
        """Return where a sensor was at another time than its scan's: its clock is wrong."""
        return self._place(sensor, t_ns)

    def _lone(self, t_ns: int) -> bool:
        """Say whether all sensors measure bearings only and from one place: then no range can ever be known."""
        if any(s.ranged or s.description.sigma.tdoa_s is not None for s in self.sensors.values()):
            return False
        known = [s for s in self.sensors.values() if self._has_pose(s)]
        if len({s.description.platform_id or s.description.sensor_id for s in known}) < 2:
            return True
        spread = np.ptp(np.array([self._place(s, t_ns).position_m for s in known]), axis=0)
        return bool(np.hypot(spread[0], spread[1]) < self._config.birth.min_baseline_m)

    def _has_pose(self, sensor: Sensor) -> bool:
        platform = sensor.description.platform_id
        return platform is None or platform in self._poses
