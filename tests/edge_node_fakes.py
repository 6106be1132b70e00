"""A tracker and an alert book of a few lines, and builders of frames, for tests of everything around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from edge_node.config import NodeConfig
from edge_node.estimation import Estimation
from messages.codec import encode
from messages.detections import INDEX, empty_rows, pack
from messages.types import (
    Alert,
    FieldOfView,
    MeasurementSigma,
    Message,
    PlatformPose,
    SensorDescription,
    SensorScan,
    Track,
)

MS = 1_000_000
UNPLACEABLE = 666  # number of a scan that the fake tracker refuses


class FakeEstimate(NamedTuple):
    tracks: tuple[Track, ...]


class FakeTracker:
    """One track whose state sums up, in order, all that it was given: any difference in order or content shows."""

    def __init__(self, lag_ns: int) -> None:
        self._lag_ns = lag_ns
        self._latest_ns = 0
        self.state = np.zeros(6)
        self.fused: list[tuple[str, int]] = []
        self.descriptions: list[str] = []

    def add_sensor(self, description: SensorDescription) -> None:
        self.descriptions.append(description.sensor_id)

    def set_pose(self, pose: PlatformPose) -> None:
        self.state = np.clip(self.state * 0.999 + 1e-3 * pose.yaw_rad, -1e3, 1e3)

    def step(self, scan: SensorScan) -> FakeEstimate | None:
        if scan.t_ns < self._latest_ns - self._lag_ns:
            return None
        if scan.scan == UNPLACEABLE:
            raise ValueError(f"scan of {scan.sensor_id}: its platform has sent no pose")
        self._latest_ns = max(self._latest_ns, scan.t_ns)
        self.fused.append((scan.sensor_id, scan.scan))
        digest = float(sum(scan.detections) % 997) + scan.scan % 89
        self.state = np.sin(self.state * 1.7 + digest) + 0.1
        return FakeEstimate((fake_track(1, scan.t_ns, self.state),))


class FakeAlerts:
    def __init__(self) -> None:
        self._n = 0

    def update(self, tracks: Sequence[Track], poses: Sequence[PlatformPose], t_ns: int) -> list[Alert]:
        if not tracks or not poses or t_ns // 1_000_000_000 < self._n:
            return []
        self._n += 1
        return [fake_alert(self._n, t_ns, poses[0].platform_id)]


def fake_track(track_id: int, t_ns: int, state: Sequence[float] | np.ndarray) -> Track:
    return Track(
        track_id=track_id,
        t_ns=t_ns,
        status="confirmed",
        existence=0.9,
        state=tuple(map(float, state)),
        covariance=tuple(float(i == j) for i in range(6) for j in range(i, 6)),
        class_probabilities={"fpv": 0.75, "bird": 0.25},
        model_probabilities=(0.5, 0.5),
        sensor_shares={"tank_1_radar": 1.0},
    )


def fake_alert(alert_id: int, t_ns: int, platform_id: str) -> Alert:
    return Alert(
        alert_id=alert_id,
        track_id=1,
        t_ns=t_ns,
        level="WARNING",
        platform_id=platform_id,
        reason="closing",
        evidence=("radar",),
        aspect="top",
        priority=0.5,
        time_to_closest_s=4.0,
        distance_at_closest_m=1.0,
        range_m=200.0,
        azimuth_rad=0.5,
        elevation_rad=0.2,
    )


def fake_estimation(config: NodeConfig) -> Estimation:
    return Estimation(FakeTracker(config.lag_ns), FakeAlerts())


def description(sensor_id: str, *, period_s: float = 0.1, kind: str = "radar") -> SensorDescription:
    return SensorDescription(
        sensor_id=sensor_id,
        kind=kind,  # type: ignore[arg-type]
        sigma=MeasurementSigma(range_m=5.0, azimuth_rad=0.01, elevation_rad=0.01),
        field_of_view=FieldOfView(range_m=(50.0, 2000.0)),
        scan_period_s=period_s,
    )


def scan(sensor_id: str, number: int, t_ns: int, *, range_m: float = 500.0) -> SensorScan:
    rows = empty_rows(1)
    rows[0, INDEX["range_m"]] = range_m
    rows[0, INDEX["azimuth_rad"]] = 0.01 * (number % 100)
    rows[0, INDEX["elevation_rad"]] = 0.05
    return SensorScan(sensor_id=sensor_id, scan=number, t_ns=t_ns, detections=pack(rows))


def pose(platform_id: str, t_ns: int, *, yaw_rad: float = 0.1) -> PlatformPose:
    return PlatformPose(platform_id=platform_id, t_ns=t_ns, position_m=(0.0, 0.0, 0.0), yaw_rad=yaw_rad, defended=True)


def frame(
    message: Message, node: str, sequence: int, *, t_ns: int = 0, boot: int = 1, t_sent_ns: int | None = None
) -> bytes:
    sent_ns = t_ns if t_sent_ns is None else t_sent_ns
    return encode(message, node=node, boot=boot, sequence=sequence, t_ns=t_ns, t_sent_ns=sent_ns)


class ListJournal:
    """A journal in memory; ``full`` makes it refuse as a full disk does."""

    def __init__(self) -> None:
        self.records: list[tuple[int, int, bytes]] = []
        self.full = False

    def append(self, kind: int, t_arrival_ns: int, frame: bytes) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        self.records.append((int(kind), t_arrival_ns, frame))
        return len(self.records) - 1
