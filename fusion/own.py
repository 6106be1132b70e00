"""Which track is an own drone: the one that is where, and flies as, an own platform in the air says of itself.

A report of one's own platform comes over one's own network, not over the air as Remote ID does. One report explains
one track at most: what flies beside an own drone is somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from messages.frames import F64
from messages.types import PlatformPose, Track


@dataclass(frozen=True)
class OwnConfig:
    """When a track is an own drone; each value with its reason."""

    gate_d2: float = 22.5
    """Chi-square, 6 degrees of freedom, P = 0.999."""
    stay_factor: float = 4.0
    """A track that was its own stays so inside twice the distance: filters are surer than they should be in turns."""
    near_m: float = 60.0
    """Further from its report no track is an own drone, however vague it is."""
    position_floor_m: float = 4.0
    """Added to both covariances: time between report and track, bias between sensors."""
    velocity_floor_mps: float = 2.0
    """The same of velocities: a small drone changes its own by this within half a second."""
    report_age_s: float = 2.0
    """A report that is older says nothing: at 20 m/s the drone is 40 m on."""
    unreported_mps2: float = 4.0
    """What a small drone accelerates between its report and the moment."""


class OwnForce:
    """Keep which track belongs to which own platform."""

    def __init__(self, config: OwnConfig | None = None) -> None:
        self.config = config or OwnConfig()
        self._track_of: dict[str, int] = {}

    def update(self, tracks: Sequence[Track], poses: Iterable[PlatformPose], t_ns: int) -> dict[int, str]:
        """Return track id -> id of the own platform that it is, at a time; platforms in order of their ids."""
        before, self._track_of = self._track_of, {}
        taken: dict[int, str] = {}
        for pose in sorted((p for p in poses if p.airborne), key=lambda p: p.platform_id):
            free = [track for track in tracks if track.track_id not in taken]
            found = self._best(pose, free, before.get(pose.platform_id), t_ns)
            if found is not None:
                taken[found] = pose.platform_id
                self._track_of[pose.platform_id] = found
        return taken

    def _best(self, pose: PlatformPose, tracks: Sequence[Track], last: int | None, t_ns: int) -> int | None:
        """Return the track that a report explains: the one of before while it fits, else the likeliest that does."""
        c, age_s = self.config, (t_ns - pose.t_ns) / 1e9
        if not -c.report_age_s <= age_s <= c.report_age_s:
            return None
        velocity = np.array(pose.velocity_mps)
        place = np.array(pose.position_m) + velocity * age_s
        drift_m = 0.5 * c.unreported_mps2 * age_s**2
        scores = []
        for track in tracks:
            d2, log_det = self._distance(track, place, velocity, pose.position_sigma_m + drift_m, t_ns)
            mine = track.track_id == last
            if d2 <= c.gate_d2 * (c.stay_factor if mine else 1.0):
                scores.append((not mine, d2 + log_det, track.track_id))
        return min(scores)[2] if scores else None

    def _distance(
        self, track: Track, place_m: F64, velocity_mps: F64, sigma_m: float, t_ns: int
    ) -> tuple[float, float]:
        """Return d2 of position and velocity together, and the logarithm of the determinant; infinite beyond near_m."""
        c = self.config
        state, covariance = np.array(track.state), np.zeros((6, 6))
        covariance[np.triu_indices(6)] = track.covariance
        covariance = covariance + np.triu(covariance, 1).T
        ahead = np.eye(6)
        ahead[:3, 3:] = np.eye(3) * (t_ns - track.t_ns) / 1e9
        off = ahead @ state - np.concatenate([place_m, velocity_mps])
        if float(np.linalg.norm(off[:3])) > c.near_m:
            return np.inf, 0.0
        both = ahead @ covariance @ ahead.T
        both[:3, :3] += np.eye(3) * (sigma_m**2 + c.position_floor_m**2)
        both[3:, 3:] += np.eye(3) * c.velocity_floor_mps**2
        return float(off @ np.linalg.solve(both, off)), float(np.linalg.slogdet(both)[1])
