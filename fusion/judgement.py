"""Judge the tracks after each scan: events of the life-cycle table, merging, deletion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.config import TrackerConfig
from fusion.gates import chi_square_limit
from fusion.kernels import judging
from fusion.kernels.merging import closest_elder
from fusion.lifecycle import Event, State, advance_all
from fusion.step import Hits, Scan
from fusion.table import TrackTable
from messages.frames import F64

I64 = NDArray[np.int64]
MERGE_DISTANCE_M = 25.0  # further apart two tracks are two targets, whatever their covariances say
MERGE_D2 = chi_square_limit(0.5, 6)  # half of all pairs of estimates of one target are closer than this
MERGE_MIN_EXISTENCE = 0.05  # clutter's tentative tracks are not worth comparing
MERGE_LOOKS = {State.TENTATIVE: 3, State.CONFIRMED: 8, State.COASTING: 3}
"""Looks in a row in which only one of the two was fed: two real neighbours at Pd 0.7 pass 8 looks once in 250."""
SECOND_HIT = 1.5  # sum of association probabilities from which a track has more than its first detection
RANGED_HITS = 1.5
"""Decaying sum of association probabilities: two plots within the support time. Two false plots on one track that far
apart are no evidence: while it is fed by coarse bearings alone its gate grows until it catches one."""
PLACE_SHARE = 0.9  # decaying count of looks from the second place: more than one chance hit
LONE_RMS_FACTOR = 10.0  # a lone camera never knows the range: its tracks may be so much less certain


def gate_table(probability: float) -> F64:
    """Return gate limits (9,) by number of measured components."""
    return np.array([0.0, *(chi_square_limit(probability, k) for k in range(1, 9))])


class Judge:
    """Turn existence, age, silence and uncertainty into life-cycle events."""

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self.gate_d2 = gate_table(config.association.gate_probability)

    def judge(
        self, table: TrackTable, scan: Scan, hits: Hits, xm: F64, Pm: F64, places: I64, ranged_pause_s: float
    ) -> None:
        """Advance every track's state and remove the deleted ones from the table.

        ``places`` (S,): see ``kernels.judging.place_supported``; ``ranged_pause_s``: a longer one without a
        detection by a ranging sensor is silence.
        """
        n, c = table.n, table.columns
        if n == 0:
            return
        old = len(hits.seen)
        c.seen_ns[:old][hits.seen > 0.5] = scan.t_ns
        c.ranged_ns[:old][hits.ranged > 0.5] = scan.t_ns
        c.ranged_hits[:old] += hits.ranged
        limits = self._limits(scan, ranged_pause_s)
        judging.place_supported(
            n, scan.t_ns, c.ranged_ns, c.ranged_hits, c.shares, places, scan.lone, limits, c.supported, c.supported_ns
        )
        event = np.empty(n, np.int8)
        count = judging.judge_tracks(
            n, scan.t_ns, c.state, c.r, c.first_r, c.hits, c.born_ns, c.seen_ns, c.ranged_ns, c.supported,
            c.supported_ns, Pm, scan.lone, limits, event,
        )  # fmt: skip
        for j in self._merged(table, hits, xm, Pm, old):
            count += 1
            event[j] = Event.MERGED
        if count:
            self._apply(table, event, xm, Pm)

    def _apply(self, table: TrackTable, event: NDArray[np.int8], xm: F64, Pm: F64) -> None:
        n, state = table.n, table.columns.state
        rows = np.flatnonzero(event != judging.NO_EVENT)
        state[rows] = advance_all(state[rows], event[rows])
        alive = state[:n] != State.DELETED
        if not alive.all():
            left = int(alive.sum())
            xm[:left], Pm[:left] = xm[:n][alive], Pm[:n][alive]
            table.keep(alive)

    def _limits(self, scan: Scan, ranged_pause_s: float) -> F64:
        e = self._config.existence
        limit = np.empty(judging.L_SIZE)
        limit[judging.L_CONFIRM_EXISTENCE] = e.confirm_existence
        limit[judging.L_CONFIRM_HITS] = e.confirm_hits
        limit[judging.L_CONFIRM_AGE_S] = e.confirm_age_s
        # A slow sensor's own pause is no silence.
        limit[judging.L_COAST_AFTER_S] = max(e.coast_after_s, 2.5 * scan.sensor.description.scan_period_s)
        limit[judging.L_DELETE_EXISTENCE] = e.delete_existence
        limit[judging.L_DELETE_LONE_SHARE] = e.delete_lone_share
        limit[judging.L_DELETE_CONFIRMED] = e.delete_confirmed_existence
        limit[judging.L_DELETE_RMS_M] = e.delete_rms_m * (LONE_RMS_FACTOR if scan.lone else 1.0)
        # A slow radar needs as many looks as a fast one: its tracks live until it could have looked twice and again.
        limit[judging.L_DELETE_TENTATIVE_S] = max(e.delete_tentative_s, ranged_pause_s)
        limit[judging.L_REPORT_RMS_M] = self._config.report.max_rms_m
        limit[judging.L_SECOND_HIT] = SECOND_HIT
        limit[judging.L_RANGED_PAUSE_S] = ranged_pause_s
        limit[judging.L_SUPPORT_S] = max(e.support_s, ranged_pause_s)
        limit[judging.L_RANGED_HITS] = RANGED_HITS
        limit[judging.L_PLACE_SHARE] = PLACE_SHARE
        limit[judging.L_DELETE_UNPROVEN_S] = max(e.delete_unproven_s, 2.0 * ranged_pause_s)
        return limit

    def _merged(self, table: TrackTable, hits: Hits, xm: F64, Pm: F64, old: int) -> list[int]:
        """Return the rows that turned out to be the same target as an elder one.

        Two tracks of one target share one detection a look; two targets give two. A look in which
        both were fed clears the suspicion.
        """
        n, c = table.n, table.columns
        elder = np.empty(n, np.int64)
        merged: list[int] = []
        if closest_elder(xm, Pm, c.r, n, MERGE_MIN_EXISTENCE, MERGE_DISTANCE_M, MERGE_D2, c.twin, elder) == 0:
            return merged
        for j in np.flatnonzero((elder >= 0) | (c.twin[:n] > 0)).tolist():
            i = int(elder[j])
            if i < 0 or j >= old:
                c.twin[j] = c.twin_count[j] = 0
                continue
            if c.twin[j] != c.track_id[i]:
                c.twin[j], c.twin_count[j] = c.track_id[i], 0
            together = hits.seen[i] + hits.seen[j]
            if together > 1.3:
                c.twin_count[j] = 0
            elif together > 0.5:
                c.twin_count[j] += 1
            if c.twin_count[j] >= MERGE_LOOKS[State(int(c.state[j]))]:
                merged.append(j)
        return merged
