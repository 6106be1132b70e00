"""How well motion models foresee detections whose tracks are known: the log predictive density, model by model.

The detections that the tracker was sure of are filtered again, each track by itself, with the tracker's own kernels.
All candidates foresee the same detections, so that their densities may be compared: a prequential score
(Dawid 1984), which asks for no truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.config import MotionConfig, TrackerConfig
from fusion.filters import acceleration_variances, rules_of
from fusion.kernels import linearising, motion, update
from fusion.kernels.bundles import Rules
from fusion.kernels.measurement import AZIMUTH
from fusion.kernels.motion import PLAIN, WHOLE
from fusion.table import begin
from fusion.witness import Seen
from messages.frames import F64, wrap_pi

I64 = NDArray[np.int64]
WIDER = 4.0  # times the foreseen covariance at the start: the first detections decide, not what another model thought
SETTLE = 8  # detections of a track before its foresight counts
PAUSE_S = 3.0  # a track without a clear detection for so long starts anew
STRAY = 0.01  # prior that a detection that was clearly of a track is not: bounds what one of them can say
BLOCK = 25  # detections of one track that are one piece of evidence: beyond, errors of foresight are forgotten


class Foresight(NamedTuple):
    """Sums of the log predictive density over pieces of tracks; the pieces are the same for all candidates."""

    log_density: F64  # (pieces,)
    detections: int
    shares: F64  # (M,) mean probability of each model after its detections


class _Tracks:
    """The tracks of a recording while they are filtered: one row a track."""

    def __init__(self, ids: I64, acceleration_var: F64) -> None:
        n, models, states = len(ids), len(acceleration_var), WHOLE if acceleration_var.any() else PLAIN
        self.ids, self._acceleration_var = ids, acceleration_var
        self.x, self.P = np.zeros((n, models, states)), np.zeros((n, models, states, states))
        self.mu, self.t_ns = np.zeros((n, models)), np.full(n, -1, np.int64)
        self.count, self.piece = np.zeros(n, np.int64), np.full(n, -1, np.int64)

    def start(self, rows: I64, seen: Seen, which: I64, mu: F64) -> None:
        """Let rows begin at what was foreseen of their tracks when they were tracked."""
        begin(self.x, self.P, rows, seen.x[which], WIDER * seen.P[which], self._acceleration_var)
        self.mu[rows] = mu


def foresee(seen: Sequence[Seen], config: MotionConfig, factors: Mapping[int, F64] | None = None) -> Foresight:
    """Filter the detections of each track again with these models; return how well each was foreseen.

    ``factors``: by slot, what to multiply the variances (8,) of the components by.
    """
    models = rules_of(TrackerConfig(motion=config))
    ids = np.unique(np.concatenate([np.empty(0, np.int64), *(s.track_id for s in seen)]))
    tracks = _Tracks(ids, acceleration_variances(config))
    sums: list[float] = []
    shares, total = np.zeros(len(models.q)), 0
    for s in seen:
        rows = np.searchsorted(ids, s.track_id)
        since_s = (s.t_ns - tracks.t_ns[rows]) / 1e9
        new = (tracks.t_ns[rows] < 0) | (since_s > PAUSE_S)
        tracks.start(rows[new], s, np.flatnonzero(new), models.stationary)
        tracks.count[rows[new]] = 0
        x, P, mu = tracks.x[rows], tracks.P[rows], tracks.mu[rows]
        _predict(x, P, mu, np.where(new, 0.0, since_s), models)
        log_density, lost = _update(s, x, P, mu, None if factors is None else factors.get(s.slot))
        tracks.x[rows], tracks.P[rows], tracks.mu[rows], tracks.t_ns[rows] = x, P, mu, s.t_ns
        tracks.start(rows[lost], s, np.flatnonzero(lost), models.stationary)
        counted = tracks.count[rows] >= SETTLE
        for row, value in zip(rows[counted].tolist(), log_density[counted].tolist(), strict=True):
            if (tracks.count[row] - SETTLE) % BLOCK == 0:
                tracks.piece[row] = len(sums)
                sums.append(0.0)
            sums[tracks.piece[row]] += value
        shares += mu[counted].sum(axis=0)
        total += int(counted.sum())
        tracks.count[rows] += 1
    return Foresight(np.array(sums), total, shares / max(total, 1))


def _predict(x: F64, P: F64, mu: F64, since_s: F64, r: Rules) -> None:
    """Move each track (p,) by its own time [s] in place."""
    for dt in np.unique(since_s[since_s > 0.0]).tolist():
        some = np.flatnonzero(since_s == dt)
        moved = x[some], P[some], mu[some]
        motion.predict_tracks(*moved, len(some), r.q, r.tau_s, r.stationary, r.sojourn_s, dt)
        x[some], P[some], mu[some] = moved


def _update(s: Seen, x: F64, P: F64, mu: F64, factor: F64 | None) -> tuple[F64, NDArray[np.bool_]]:
    """Update each track (p,) with its detection in place; return the log densities with which they were foreseen.

    Returns also where a detection looks like clutter instead: these models have lost the track.
    """
    (p, k), (models, states) = s.z.shape, x.shape[1:]
    h, H = np.empty((p, models, k)), np.empty((p, models, k, states))
    PHt, S, R = np.empty((p, models, states, k)), np.empty((p, models, k, k)), np.empty((p, models, k, k))
    linearising.linearise(x, P, p, s.used, s.g, s.scales[0], s.scales[1], h, H, PHt, S, R)
    var = s.var if factor is None else s.var * factor[s.used]
    logs = _log_densities(s, h, S, var)
    best = logs.max(axis=1, keepdims=True)
    like = np.exp(logs - best)
    own = best[:, 0] + np.log(np.maximum(np.sum(mu * like, axis=1), 1e-300)) + np.log1p(-STRAY)
    stray = np.log(STRAY * s.density)
    start, det = np.arange(p + 1, dtype=np.int64), np.arange(p, dtype=np.int64)
    pairs = start, det, like, np.ones(p), np.zeros(p)
    update.update_tracks(x, P, mu, p, h, H, PHt, S, R, s.z, var, s.used, *pairs)
    return np.asarray(np.logaddexp(own, stray), dtype=np.float64), own < stray


def _log_densities(s: Seen, h: F64, S: F64, var: F64) -> F64:
    """Return ``log N(y; 0, S)`` (p, M); a missing component counts as foreseen exactly, with variance 1."""
    y = s.z[:, None, :] - h
    turn = s.used == AZIMUTH
    y[..., turn] = wrap_pi(y[..., turn])
    missing = np.isnan(y)
    y = np.where(missing, 0.0, y)
    full = S + np.where(np.isnan(var), 0.0, var)[:, None, :, None] * np.eye(len(s.used))
    full = np.where(missing[..., :, None] | missing[..., None, :], np.eye(len(s.used)), full)
    low = np.linalg.cholesky(full)
    w = np.linalg.solve(low, y[..., None])[..., 0]
    logs = np.log(np.diagonal(low, axis1=-2, axis2=-1)).sum(axis=-1)
    measured = (~missing).sum(axis=-1)
    return np.asarray(-0.5 * (np.sum(w * w, axis=-1) + measured * np.log(2.0 * np.pi)) - logs, dtype=np.float64)
