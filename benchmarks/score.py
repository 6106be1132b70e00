"""Score tracks against the truth: what ``vedette score`` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.metrics.consistency import mean_per_degree, nees, share_inside_95
from benchmarks.metrics.identity import completeness, id_switches
from benchmarks.metrics.instants import Evaluation, evaluate
from benchmarks.truth_table import read_truth
from edge_node.tables.errors import TableError
from edge_node.tables.tracks_file import TrackTable, read_tracks

CUTOFF_M = 50.0


def score(tracks: Path, truth: Path, cutoff_m: float = CUTOFF_M) -> dict[str, Any]:
    """Return the metrics of a track file against a truth file; a metric without data is None."""
    if not cutoff_m > 0.0:
        raise TableError(f"cutoff_m = {cutoff_m:g}: must be > 0 (distance beyond which a track misses its target)")
    table = read_tracks(tracks)
    return {"cutoff_m": cutoff_m} | score_of(evaluate(table, read_truth(truth), cutoff_m), table)


def score_of(evaluation: Evaluation, tracks: TrackTable) -> dict[str, Any]:
    """Return the metrics of an evaluation.

    GOSPA and OSPA are means over the instants; the parts are means of the roots of the parts of GOSPA
    squared. NEES is of the position: ``nees_over_3`` is 1 for a consistent filter, above 1 for one that is too sure.
    """
    values = nees(evaluation.pair_error_m, tracks.covariance_m2[evaluation.pair_row])
    squares = np.sum(evaluation.pair_error_m**2, axis=1)
    k = len(evaluation.t_ns)
    means = evaluation.gospa_m.mean(axis=0).tolist() if k else [None] * 4
    return {
        "instants": k,
        "gospa_m": means[0],
        "gospa_localisation_m": means[1],
        "gospa_missed_m": means[2],
        "gospa_false_m": means[3],
        "ospa_m": float(evaluation.ospa_m.mean()) if k else None,
        "id_switches": id_switches(evaluation),
        "completeness": completeness(evaluation),
        "mean_track_count": float(evaluation.n_tracks.mean()) if k else None,
        "mean_target_count": float(evaluation.n_truth.mean()) if k else None,
        "position_rmse_m": float(np.sqrt(squares.mean())) if len(squares) else None,
        "nees_over_3": mean_per_degree(values),
        "nees_inside_95": share_inside_95(values),
    }
