"""A tracker that remembers which detections it was sure of, and what it counted: the evidence for ``fusion.tuning``.

It tracks with the same numbers as ``Tracker``. Nothing is known here of the truth.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.config import TrackerConfig
from fusion.lifecycle import State
from fusion.step import Hits, Scan
from fusion.tracker import Tracker
from messages.frames import F64

I64 = NDArray[np.int64]
CLEAR = 0.9  # a detection belongs to its track with more than this probability, or it is not used


class Seen(NamedTuple):
    """The p clear detections of one scan, as the kernels take them, and what was foreseen of their tracks."""

    slot: int
    t_ns: int
    lone: bool
    g: F64  # geometry of the sensor, corrected by the registration
    used: I64  # (k,)
    z: F64  # (p, k) NaN where not measured
    var: F64  # (p, k)
    density: F64  # (p,) of clutter
    track_id: I64  # (p,)
    x: F64  # (p, 6) foreseen state
    P: F64  # (p, 6, 6)
    scales: F64  # (2, p) by which a constant error of the pose and of the sensor counts


class Look(NamedTuple):
    """What one scan says of its sensor: its detections and the confirmed tracks that it should have seen."""

    slot: int
    t_ns: int
    detections: int
    unexplained: float  # sum over the detections of the probability that no track made them
    track_id: I64  # (n,)
    seen: F64  # (n,) probability that the track made one of the detections
    visible: F64  # (n,) probability that it was in the field of view


class Witness(Tracker):
    """A tracker with a memory of all its scans; for recordings, not for a live node."""

    def __init__(self, config: TrackerConfig | None = None) -> None:
        super().__init__(config)
        self.seen: list[Seen] = []
        self.looks: list[Look] = []

    @property
    def clear(self) -> int:
        """How many detections clearly belonged to a track."""
        return sum(len(s.track_id) for s in self.seen)

    def _associate(self, scan: Scan, pairs: int) -> Hits:
        hits = super()._associate(scan, pairs)
        n, c, work = hits.n, self.table.columns, self._work
        fit = (c.state[:n] == State.CONFIRMED) & c.supported[:n]
        rows, slot = np.flatnonzero(fit), scan.look.slot
        unexplained = float(np.sum(1.0 - hits.explained))
        counted = c.track_id[rows], 1.0 - work.miss[rows], work.visible[rows]
        self.looks.append(Look(slot, scan.t_ns, len(scan.look.z), unexplained, *counted))
        clear = (hits.beta > CLEAR) & fit[hits.track]
        if clear.any():
            rows, dets, look = hits.track[clear], hits.det[clear], scan.look
            foreseen = c.track_id[rows], work.xm[rows], work.Pm[rows]
            scales = np.array([work.pose_scale[rows], work.own_scale[rows]])
            found = look.z[dets], look.var[dets], look.density[dets], *foreseen, scales
            self.seen.append(Seen(slot, scan.t_ns, scan.lone, look.g, look.used, *found))
        return hits
