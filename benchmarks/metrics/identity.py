"""Who is who: completeness, identity switches, false tracks, and the owner of a track at a time."""

from __future__ import annotations

import numpy as np

from benchmarks.metrics.instants import Evaluation
from edge_node.tables.table import I64, NS_PER_S

S_PER_HOUR = 3600.0
OWN_SHARE = 0.5  # a track is false when it belongs to a target at fewer than half of its instants


def completeness(evaluation: Evaluation) -> float | None:
    """Return the share of (target, instant) to which a track is assigned; None without a target."""
    total = int(evaluation.n_truth.sum())
    return len(evaluation.pair_instant) / total if total else None


def id_switches(evaluation: Evaluation) -> int:
    """Return how often a target's track is another one than the last that it had, gaps included."""
    switches = 0
    for target in np.unique(evaluation.pair_target):
        tracks = evaluation.pair_track[evaluation.pair_target == target]  # ordered by instant
        switches += int(np.count_nonzero(np.diff(tracks)))
    return switches


def false_tracks(evaluation: Evaluation) -> list[int]:
    """Return the ids of the tracks that belong to a target at fewer than half of their instants.

    Instants at which a track's usual target is not in the truth set (out of every sensor's sight)
    speak neither for nor against it.
    """
    out: list[int] = []
    for track_id in np.unique(evaluation.counted_track).tolist():
        at = evaluation.counted_instant[evaluation.counted_track == track_id]
        owner = main_owner(evaluation, track_id)
        judged = len(at) if owner is None else int(np.count_nonzero(evaluation.visible[at, owner]))
        owned = int(np.count_nonzero(evaluation.pair_track == track_id))
        if owner is None or owned < OWN_SHARE * judged:
            out.append(track_id)
    return out


def per_hour(count: int, duration_s: float) -> float | None:
    """Return a count as a rate; None for no duration."""
    return count * S_PER_HOUR / duration_s if duration_s > 0.0 else None


def main_owner(evaluation: Evaluation, track_id: int) -> int | None:
    """Return the target (index) that a track belongs to at most instants; None for none."""
    owners = evaluation.pair_target[evaluation.pair_track == track_id]
    if not len(owners):
        return None
    targets, counts = np.unique(owners, return_counts=True)
    return int(targets[np.argmax(counts)])


def owner_at(evaluation: Evaluation, track_id: int, t_ns: int) -> int | None:
    """Return the target (index) that a track belongs to at a time; None for none.

    The first instant at or after the time decides (a track that was born between two instants counts
    from the second), after the last instant the last one. Where the track counts there but has no target,
    its target at most of its instants is taken if that target is not in the truth set then: a
    track that rightly follows a target behind a hill is not false.
    """
    if not len(evaluation.t_ns):
        return None
    k = min(int(np.searchsorted(evaluation.t_ns, t_ns)), len(evaluation.t_ns) - 1)
    here = slice(*np.searchsorted(evaluation.pair_instant, (k, k + 1)))
    mine = np.flatnonzero(evaluation.pair_track[here] == track_id)
    if len(mine):
        return int(evaluation.pair_target[here][mine[0]])
    main = main_owner(evaluation, track_id)
    return main if main is not None and not evaluation.visible[k, main] else None


def first_assigned_ns(evaluation: Evaluation, target: int) -> int | None:
    """Return the first instant at which a track is assigned to the target; None for never."""
    at: I64 = evaluation.pair_instant[evaluation.pair_target == target]
    return int(evaluation.t_ns[at[0]]) if len(at) else None


def duration_s(evaluation: Evaluation) -> float:
    """Return the time from the first instant to the last."""
    return float(evaluation.t_ns[-1] - evaluation.t_ns[0]) / NS_PER_S if len(evaluation.t_ns) else 0.0
