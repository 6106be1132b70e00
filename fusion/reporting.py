"""From the table to messages: which tracks are reported, and as what."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.config import TrackerConfig
from fusion.identity import CLASSES, probabilities
from fusion.lifecycle import State, status_name
from fusion.table import TrackTable
from messages.frames import F64
from messages.types import Track

UPPER = np.triu_indices(6)


def report_tracks(
    table: TrackTable,
    config: TrackerConfig,
    xm: F64,
    Pm: F64,
    t_ns: int,
    names: list[tuple[int, str]],
    lone: bool,
    ranged_pause_s: float,
) -> tuple[tuple[Track, ...], tuple[int, int, int, int]]:
    """Return the reported tracks and the numbers of tentative, confirmed, coasting and withheld ones."""
    n, c = table.n, table.columns
    state = c.state[:n]
    held = np.flatnonzero((state == State.CONFIRMED) | (state == State.COASTING))
    coasting = int(np.count_nonzero(state == State.COASTING))
    rms = np.sqrt(np.trace(Pm[held, :3, :3], axis1=1, axis2=2))
    ranged = (c.ranged_ns[held] >= 0) & (c.ranged_ns[held] > t_ns - int(ranged_pause_s * 1e9))
    useful = (
        (c.r[held] >= config.report.min_existence)
        & c.supported[held]
        & (((lone | ranged) & (state[held] == State.CONFIRMED)) | (rms <= config.report.max_rms_m))
    )
    rows = held[useful]
    tracks = tuple(_tracks(table, rows, xm, Pm, t_ns, names))
    counts = (n - len(held), len(held) - coasting, coasting, len(held) - len(rows))
    return tracks, counts


def _tracks(
    table: TrackTable, rows: NDArray[np.int64], xm: F64, Pm: F64, t_ns: int, names: list[tuple[int, str]]
) -> list[Track]:
    c = table.columns
    states, covariances = xm[rows].tolist(), Pm[rows][:, UPPER[0], UPPER[1]].tolist()
    models = c.mu[rows].tolist()
    classes = probabilities(c.log_class[rows]).tolist()
    shares = c.shares[rows]
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
    tracks = []
    for a, i in enumerate(rows.tolist()):
        contributed = {name: float(shares[a, slot]) for slot, name in names if shares[a, slot] > 1e-3}
        total = sum(contributed.values())
        tracks.append(
            Track(
                track_id=int(c.track_id[i]),
                t_ns=t_ns,
                status=status_name(State(int(c.state[i]))),
                existence=float(c.r[i]),
                state=tuple(states[a]),
                covariance=tuple(covariances[a]),
                class_probabilities=dict(zip(CLASSES, classes[a], strict=True)),
                model_probabilities=tuple(models[a]),
                sensor_shares={name: min(share / total, 1.0) for name, share in contributed.items()},
            )
        )
    return tracks
