"""What the node needs of an estimator, and the one place where the real one is put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from edge_node.config import NodeConfig
from messages.types import Alert, PlatformPose, SensorCue, SensorDescription, SensorHead, SensorScan, Track


class Estimate(Protocol):
    """The result of one step: the confirmed and coasting tracks."""

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Reported tracks after the scan."""


class Estimator(Protocol):
    """A tracker that takes scans in nearly the order of validity (fusion.fixed_lag.FixedLag)."""

    def add_sensor(self, description: SensorDescription) -> None:
        """Introduce a sensor, or replace its description."""

    def set_pose(self, pose: PlatformPose) -> None:
        """Take a platform's pose."""

    def step(self, scan: SensorScan) -> Estimate | None:
        """Fuse one scan; None where it is older than the lag. Raises ValueError where it cannot be placed."""


class Adviser(Protocol):
    """Turns tracks into alerts (fusion.alerts.AlertBook)."""

    def update(self, tracks: Sequence[Track], poses: Sequence[PlatformPose], t_ns: int) -> list[Alert]:
        """Return the alerts that are new at this time."""


class Cuer(Protocol):
    """Says where sensors that can be pointed should look (edge_node.cueing.CueScheduler)."""

    def add_sensor(self, description: SensorDescription) -> None:
        """Take or replace a sensor's description."""

    def add_head(self, head: SensorHead) -> None:
        """Take or replace what a sensor says of its head."""

    def saw(self, scan: SensorScan) -> None:
        """Note where a sensor looked."""

    def update(
        self, tracks: Sequence[Track], poses: Sequence[PlatformPose], alerts: Sequence[Alert], t_ns: int
    ) -> list[SensorCue]:
        """Return the cues that are due at this time."""


class Estimation(NamedTuple):
    """The parts of the node that judge; without ``cues`` no sensor is asked for anything."""

    tracker: Estimator
    alerts: Adviser
    cues: Cuer | None = None


def build(config: NodeConfig) -> Estimation:
    """Return the real estimator for a configuration."""
    from edge_node.cueing import CueScheduler
    from fusion.alerts import AlertBook
    from fusion.config import TrackerConfig
    from fusion.fixed_lag import FixedLag
    from fusion.tracker import Tracker

    tracker = Tracker(TrackerConfig(max_sensors=config.sensors_max), backend=config.backend)
    return Estimation(FixedLag(tracker, config.lag_ns), AlertBook(), CueScheduler() if config.cueing else None)


def warm_up() -> None:
    """Compile or load every kernel before the node reports itself alive."""
    from fusion import warm_up as compile_kernels

    compile_kernels()
