"""Judge the tracks after each scan: events of the life-cycle table, merging, deletion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from fusion.config import TrackerConfig
from fusion.kernels.merging import closest_elder
from fusion.lifecycle import Event, State, advance
from fusion.step import Hits, Scan
from fusion.table import TrackTable
from messages.frames import F64

MERGE_DISTANCE_M = 25.0  # further apart two tracks are two targets, whatever their covariances say
MERGE_D2 = float(chi2.ppf(0.5, 6))  # half of all pairs of estimates of one target are closer than this
MERGE_MIN_EXISTENCE = 0.05  # clutter's tentative tracks are not worth comparing
MERGE_LOOKS = {State.TENTATIVE: 3, State.CONFIRMED: 8, State.COASTING: 3}
"""Looks in a row in which only one of the two was fed: two real neighbours at Pd 0.7 pass 8 looks once in 250."""
SECOND_HIT = 1.5  # sum of association probabilities from which a track has more than its first detection


def gate_table(probability: float) -> F64:
    """Return gate limits (9,) by number of measured components."""
    return np.concatenate([[0.0], chi2.ppf(probability, np.arange(1, 9))])


class Judge:
    """Turn existence, age, silence and uncertainty into life-cycle events."""

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self.gate_d2 = gate_table(config.association.gate_probability)

    def judge(self, table: TrackTable, scan: Scan, hits: Hits, xm: F64, Pm: F64, lone: bool) -> None:
        """Advance every track's state and remove the deleted ones from the table."""
        n = table.n
        if n == 0:
            return
        old = len(hits.hit)
        self._note_seen(table, scan, hits, old)
        rms = np.sqrt(np.trace(Pm[:n, :3, :3], axis1=1, axis2=2))
        merged = self._merged(table, hits, xm, Pm, old)
        events = self._events(table, scan, hits.hit, rms, merged, lone)
        state = table.columns.state
        for i, event in events:
            state[i] = advance(State(int(state[i])), event)
        alive = state[:n] != State.DELETED
        if not alive.all():
            xm[: int(alive.sum())], Pm[: int(alive.sum())] = xm[:n][alive], Pm[:n][alive]
            table.keep(alive)

    def _note_seen(self, table: TrackTable, scan: Scan, hits: Hits, old: int) -> None:
        c = table.columns
        c.seen_ns[:old][hits.hit > 0.5] = scan.t_ns
        c.ranged_ns[:old][hits.ranged > 0.5] = scan.t_ns

    def localised(self, table: TrackTable, rms: F64, t_ns: int, lone: bool) -> NDArray[np.bool_]:
        """Say which tracks have a position worth reporting."""
        recent = table.columns.ranged_ns[: table.n] > t_ns - int(self._config.existence.coast_after_s * 1e9)
        return np.asarray(lone | recent | (rms <= self._config.report.max_rms_m), dtype=np.bool_)

    def _events(
        self, table: TrackTable, scan: Scan, hit: F64, rms: F64, merged: NDArray[np.bool_], lone: bool
    ) -> list[tuple[int, Event]]:
        """Return the event of each track that has one, by row."""
        n, c, e = table.n, table.columns, self._config.existence
        t = scan.t_ns
        tentative = c.state[:n] == State.TENTATIVE
        silent_s = (t - c.seen_ns[:n]) / 1e9
        coast_after_s = max(e.coast_after_s, 2.5 * scan.sensor.description.scan_period_s)
        r = c.r[:n]
        alone = c.hits[:n] < SECOND_HIT
        floor = np.where(alone, np.maximum(e.delete_lone_share * c.first_r[:n], e.delete_existence), e.delete_existence)
        doubted = np.where(
            tentative, (r < floor) | (silent_s > e.delete_tentative_s), r < e.delete_confirmed_existence
        ) | (rms > e.delete_rms_m * (10.0 if lone else 1.0))
        proven = tentative & (r >= e.confirm_existence) & (c.hits[:n] >= e.confirm_hits)
        proven &= (t - c.born_ns[:n] >= e.confirm_age_s * 1e9) & self.localised(table, rms, t, lone)
        silent = ~tentative & (silent_s > coast_after_s)
        back = (c.state[:n] == State.COASTING) & (silent_s == 0.0)
        events: list[tuple[int, Event]] = []
        for mask, event in (
            (merged, Event.MERGED),
            (doubted & ~merged, Event.DOUBTED),
            (proven & ~doubted & ~merged, Event.PROVEN),
            (silent & ~doubted & ~merged, Event.SILENT),
            (back & ~doubted & ~merged, Event.SEEN),
        ):
            events += [(int(i), event) for i in np.flatnonzero(mask)]
        return events

    def _merged(self, table: TrackTable, hits: Hits, xm: F64, Pm: F64, old: int) -> NDArray[np.bool_]:
        """Say which tracks turned out to be the same target as an elder one.

        Two tracks of one target share one detection a look; two targets give two. A look in which
        both were fed clears the suspicion.
        """
        n, c = table.n, table.columns
        elder = np.empty(n, np.int64)
        closest_elder(xm, Pm, c.r, n, MERGE_MIN_EXISTENCE, MERGE_DISTANCE_M, MERGE_D2, elder)
        merged = np.zeros(n, np.bool_)
        for j in np.flatnonzero((elder >= 0) | (c.twin[:n] > 0)):
            i = int(elder[j])
            if i < 0 or j >= old:
                c.twin[j] = c.twin_count[j] = 0
                continue
            if c.twin[j] != c.track_id[i]:
                c.twin[j], c.twin_count[j] = c.track_id[i], 0
            together = hits.hit[i] + hits.hit[j]
            if together > 1.3:
                c.twin_count[j] = 0
            elif together > 0.5:
                c.twin_count[j] += 1
            merged[j] = c.twin_count[j] >= MERGE_LOOKS[State(int(c.state[j]))]
        return merged
