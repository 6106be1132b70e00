"""One tracker on one scene: what a step cost and what came out, judged by the scoring code of ``vedette score``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from benchmarks.metrics.instants import evaluate
from benchmarks.score import CUTOFF_M, score_of
from benchmarks.truth_table import TruthTable
from edge_node.tables.table import I64
from edge_node.tables.tracks_file import TrackTable
from messages.frames import F64

WARM_SCANS = 20  # not counted in the times: tracks are still being born, caches are cold
KEPT = ("gospa_m", "gospa_localisation_m", "gospa_missed_m", "gospa_false_m", "id_switches", "completeness")
T = TypeVar("T")


class Row(NamedTuple):
    """One track after one scan: position and velocity in ENU (3,), upper triangle of the position covariance (6,)."""

    t_ns: int
    track_id: int
    position_m: tuple[float, ...]
    velocity_mps: tuple[float, ...]
    covariance_m2: tuple[float, ...]


Piece = tuple[float, list[Row]]
"""What one step cost [ms] and the tracks after it."""


@dataclass(frozen=True)
class Trial:
    """A tracker's way through the first scans of a scene: cost of each step [ms], tracks, time of the last scan."""

    tracker: str
    step_ms: F64
    tracks: TrackTable
    last_ns: int
    cut: bool = False
    """Stopped by its time limit."""


def timed_steps(steps: Iterable[Callable[[], T]], rows_of: Callable[[T], Iterable[Row]]) -> Iterator[Piece]:
    """Call the steps one after the other; only they are timed, not the keeping of rows."""
    for step in steps:
        start = time.perf_counter_ns()
        result = step()
        took_ms = (time.perf_counter_ns() - start) / 1e6
        yield took_ms, list(rows_of(result))


def collect(tracker: str, pieces: Iterable[Piece], times_ns: I64, limit_s: float) -> Trial:
    """Return the trial of a tracker: its pieces until they end or have cost the limit."""
    took_ms: list[float] = []
    rows: list[Row] = []
    for cost_ms, tracks in pieces:
        took_ms.append(cost_ms)
        rows += tracks
        if sum(took_ms) > 1e3 * limit_s:
            break
    done = len(took_ms)
    last_ns = int(times_ns[done - 1]) if done else -1
    return Trial(tracker, np.array(took_ms), table_of(rows), last_ns, done < len(times_ns))


def table_of(rows: list[Row]) -> TrackTable:
    """Return rows as a table of confirmed tracks."""
    return TrackTable(
        t_ns=np.array([row.t_ns for row in rows], dtype=np.int64),
        track_id=np.array([row.track_id for row in rows], dtype=np.int64),
        status=["confirmed"] * len(rows),
        existence=np.full(len(rows), np.nan),
        position_m=np.array([row.position_m for row in rows], dtype=np.float64).reshape(-1, 3),
        velocity_mps=np.array([row.velocity_mps for row in rows], dtype=np.float64).reshape(-1, 3),
        covariance_m2=np.array([row.covariance_m2 for row in rows], dtype=np.float64).reshape(-1, 6),
        classes={},
    )


def until(truth: TruthTable, last_ns: int) -> TruthTable:
    """Return the truth up to a time, that time included."""
    rows = truth.t_ns <= last_ns
    columns = {name: getattr(truth, name) for name in truth.__dataclass_fields__}
    kept = {name: value[rows] for name, value in columns.items() if isinstance(value, np.ndarray)}
    chosen = [name for name, keep in zip(truth.target_class, rows.tolist(), strict=True) if keep]
    return TruthTable(**(columns | kept | {"target_class": chosen, "pd": {}}))


def times(trial: Trial) -> dict[str, Any]:
    """Return median, 99th percentile and largest step [ms] after the warm-up."""
    if not len(trial.step_ms):
        return {"median_ms": None, "p99_ms": None, "max_ms": None, "timed_scans": 0}
    counted = trial.step_ms[WARM_SCANS:] if len(trial.step_ms) > WARM_SCANS else trial.step_ms
    median, p99 = np.percentile(counted, (50.0, 99.0)).tolist()
    return {"median_ms": median, "p99_ms": p99, "max_ms": float(counted.max()), "timed_scans": len(counted)}


def figures(trial: Trial, truth: TruthTable, last_ns: int | None = None) -> dict[str, Any]:
    """Return what the tracks are worth up to a time (default: the trial's last scan).

    ``settled_gospa_m`` leaves out the first instants, in which every tracker is still starting its tracks.
    """
    end = trial.last_ns if last_ns is None else last_ns
    evaluation = evaluate(trial.tracks, until(truth, end), CUTOFF_M)
    scores, later = score_of(evaluation, trial.tracks), evaluation.gospa_m[WARM_SCANS:, 0]
    return {name: scores[name] for name in KEPT} | {"settled_gospa_m": float(later.mean()) if len(later) else None}
