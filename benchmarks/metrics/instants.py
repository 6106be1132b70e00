"""Which tracks count at which instant, and which target each belongs to there.

A track counts with its last row at or before the instant, moved by its velocity, and not at all when
that row is older than ``MAX_AGE_NS``. It belongs to the target that GOSPA assigns to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.metrics.gospa import distances, gospa, ospa
from benchmarks.truth_table import TruthTable
from edge_node.tables.table import I64, NS_PER_S
from edge_node.tables.tracks_file import TrackTable
from messages.frames import F64

MAX_AGE_NS = NS_PER_S  # the rule of the TRUTH.csv section of the file formats


@dataclass(frozen=True)
class Evaluation:
    """Everything that the metrics need.

    ``t_ns`` (k,) instants; ``gospa_m`` (k, 4): distance, localisation, missed, false; ``ospa_m`` (k,);
    ``n_truth``, ``n_tracks`` (k,). Pairs, ordered by instant: ``pair_instant``, ``pair_target`` (index
    into the truth's ids), ``pair_track`` (track id), ``pair_error_m`` (q, 3) track minus truth,
    ``pair_row`` (row of the tracks). Counted tracks: ``counted_instant``, ``counted_track``.
    ``visible`` (k, targets): who is in the truth set.
    """

    t_ns: I64
    gospa_m: F64
    ospa_m: F64
    n_truth: I64
    n_tracks: I64
    pair_instant: I64
    pair_target: I64
    pair_track: I64
    pair_error_m: F64
    pair_row: I64
    counted_instant: I64
    counted_track: I64
    visible: NDArray[np.bool_]


class _Pairs(NamedTuple):
    """Pairs while they are collected, one array an instant."""

    instant: list[I64]
    truth_row: list[I64]
    counted: list[I64]


def counted_rows(tracks: TrackTable, t_ns: I64) -> tuple[I64, I64]:
    """Return (instant index, row of the tracks) of each counted track, ordered by instant, then track."""
    order = np.lexsort((np.arange(len(tracks)), tracks.t_ns, tracks.track_id))
    ids = tracks.track_id[order]
    edges = np.concatenate(([0], np.flatnonzero(np.diff(ids)) + 1, [len(ids)])) if len(ids) else np.array([0])
    instants: list[I64] = [np.empty(0, dtype=np.int64)]
    rows: list[I64] = [np.empty(0, dtype=np.int64)]
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        own = order[start:end]
        last = np.searchsorted(tracks.t_ns[own], t_ns, side="right") - 1
        at = np.flatnonzero((last >= 0) & (t_ns - tracks.t_ns[own[last]] <= MAX_AGE_NS))
        instants.append(at.astype(np.int64))
        rows.append(own[last[at]])
    instant, row = np.concatenate(instants), np.concatenate(rows)
    by_instant = np.argsort(instant, kind="stable")
    return instant[by_instant], row[by_instant]


def _slices(index: I64, n: int) -> tuple[I64, I64]:
    """Return begin and end of each of ``n`` values in a sorted index."""
    values = np.arange(n)
    return np.searchsorted(index, values, "left"), np.searchsorted(index, values, "right")


def evaluate(tracks: TrackTable, truth: TruthTable, cutoff_m: float) -> Evaluation:
    """Assign tracks to targets at every instant of the truth."""
    t_ns = truth.instants_ns
    instant, row = counted_rows(tracks, t_ns)
    age_s = (t_ns[instant] - tracks.t_ns[row]) / NS_PER_S
    position = tracks.position_m[row] + age_s[:, None] * tracks.velocity_mps[row]
    truth_rows = np.flatnonzero(truth.scored)
    truth_rows = truth_rows[np.argsort(truth.t_ns[truth_rows], kind="stable")]
    truth_instant = np.searchsorted(t_ns, truth.t_ns[truth_rows])
    truth_from, truth_to = _slices(truth_instant, len(t_ns))
    track_from, track_to = _slices(instant, len(t_ns))
    visible = np.zeros((len(t_ns), len(truth.target_ids)), dtype=np.bool_)
    visible[truth_instant, truth.target[truth_rows]] = True
    parts, ospa_m, pairs = np.zeros((len(t_ns), 4)), np.zeros(len(t_ns)), _Pairs([], [], [])
    for k in range(len(t_ns)):
        here, there = truth_rows[truth_from[k] : truth_to[k]], slice(track_from[k], track_to[k])
        distance = distances(truth.position_m[here], position[there])
        result = gospa(distance, cutoff_m)
        parts[k], ospa_m[k] = result[:4], ospa(distance, cutoff_m)
        pairs.instant.append(np.full(len(result.truth_index), k))
        pairs.truth_row.append(here[result.truth_index])
        pairs.counted.append(track_from[k] + result.track_index)
    pair_instant, truth_row, counted = (_joined(part) for part in pairs)
    return Evaluation(
        t_ns=t_ns,
        gospa_m=parts,
        ospa_m=ospa_m,
        n_truth=truth_to - truth_from,
        n_tracks=track_to - track_from,
        pair_instant=pair_instant,
        pair_target=truth.target[truth_row],
        pair_track=tracks.track_id[row[counted]],
        pair_error_m=position[counted] - truth.position_m[truth_row],
        pair_row=row[counted],
        counted_instant=instant,
        counted_track=tracks.track_id[row],
        visible=visible,
    )


def _joined(parts: list[I64]) -> I64:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts]).astype(np.int64)
