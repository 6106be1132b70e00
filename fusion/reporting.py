"""From the table to messages: which tracks are reported, and as what."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.config import TrackerConfig
from fusion.identity import CLASSES, probabilities
from fusion.kernels import judging
from fusion.lifecycle import State, status_name
from fusion.table import TrackTable
from messages.frames import F64
from messages.types import Track

UPPER = np.triu_indices(6)


class Reported(NamedTuple):
    """The reported tracks as arrays (b, ...): copies, so that the next step does not change them."""

    track_id: NDArray[np.int64]
    state: NDArray[np.int8]  # fusion.lifecycle.State
    r: F64
    x: F64  # (b, 6)
    P: F64  # (b, 6, 6)
    mu: F64  # (b, M)
    log_class: F64  # (b, K)
    shares: F64  # (b, S)
    names: list[tuple[int, str]]  # slot and name of each sensor


def report(
    table: TrackTable,
    config: TrackerConfig,
    xm: F64,
    Pm: F64,
    t_ns: int,
    names: list[tuple[int, str]],
    lone: bool,
    ranged_pause_s: float,
) -> tuple[Reported, tuple[int, int, int, int]]:
    """Return the reported tracks and the numbers of tentative, confirmed, coasting and withheld ones."""
    n, c = table.n, table.columns
    rows = np.empty(n, np.int64)
    since_ns, max_rms_m = t_ns - int(ranged_pause_s * 1e9), config.report.max_rms_m
    reported, counts = judging.choose_reported(
        n, c.state, c.r, c.supported, c.ranged_ns, Pm, lone, since_ns, config.report.min_existence, max_rms_m, rows
    )
    b = rows[:reported]
    out = Reported(c.track_id[b], c.state[b], c.r[b], xm[b], Pm[b], c.mu[b], c.log_class[b], c.shares[b], names)
    return out, counts


def as_tracks(reported: Reported, t_ns: int) -> tuple[Track, ...]:
    """Return the reported tracks as messages."""
    states, covariances = reported.x.tolist(), reported.P[:, UPPER[0], UPPER[1]].tolist()
    models = reported.mu.tolist()
    classes = probabilities(reported.log_class).tolist() if len(states) else []
    shares = reported.shares / np.maximum(reported.shares.sum(axis=1, keepdims=True), 1e-300)
    tracks = []
    for i in range(len(states)):
        contributed = {name: float(shares[i, slot]) for slot, name in reported.names if shares[i, slot] > 1e-3}
        total = sum(contributed.values())
        tracks.append(
            Track(
                track_id=int(reported.track_id[i]),
                t_ns=t_ns,
                status=status_name(State(int(reported.state[i]))),
                existence=float(reported.r[i]),
                state=tuple(states[i]),
                covariance=tuple(covariances[i]),
                class_probabilities=dict(zip(CLASSES, classes[i], strict=True)),
                model_probabilities=tuple(models[i]),
                sensor_shares={name: min(share / total, 1.0) for name, share in contributed.items()},
            )
        )
    return tuple(tracks)
