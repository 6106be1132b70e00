"""One picture from the tracks of several nodes, in which no detection counts twice.

What two nodes know of a target overlaps in ways that neither can say: a common motion model, a relayed report. A
report is therefore taken in by covariance intersection, which is safe whatever overlaps, or, where the node also
gives what it said last, by the difference of the two: its news alone. Existence and class are combined by the same
rules: a log-linear mean with the weights of the states, or the change of the logarithms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from fusion.gates import chi_square_limit
from fusion.kernels import track_fusion as kernel
from fusion.kernels.motion import predict_one
from messages.frames import F64
from messages.types import Track

UPPER = np.triu_indices(6)
LEAST = 1e-4  # of a probability: no node's word alone rules a class or an existence out
Member = tuple[str, int]  # node, its own number of the track


@dataclass(frozen=True)
class TrackFusionConfig:
    """How reports are associated and kept."""

    gate_probability: float = 0.999
    """One true pair of tracks in 1000 stays apart; a wrong pair loses a target."""
    acceleration_intensity: float = 10.0
    """m^2/s^3: 3 m/s^2 over half a second; moves reports to the picture's time."""
    forget_after_s: float = 3.0
    """A target that no node reports for so long leaves the picture."""


@dataclass(frozen=True)
class Report:
    """A node's tracks; ``sent``: by number, what the same node reported of them before, where it says so."""

    node_id: str
    tracks: tuple[Track, ...]
    sent: Mapping[int, Track] = field(default_factory=dict)


@dataclass(frozen=True)
class FusedTrack:
    """One target of the picture: state x (6,) [m, m/s] and covariance P (6, 6) at ``t_ns``."""

    picture_id: int
    t_ns: int
    x: F64
    P: F64
    existence: float
    class_probabilities: dict[str, float]
    members: tuple[Member, ...]
    heard_ns: int


class TrackPicture:
    """Keep the fused tracks. Reports of one update are taken in order of their nodes' names, however they came."""

    def __init__(self, config: TrackFusionConfig | None = None) -> None:
        self._config = config or TrackFusionConfig()
        self._gate_d2 = chi_square_limit(self._config.gate_probability, 6)
        self._next_id = 1
        self.tracks: tuple[FusedTrack, ...] = ()

    def update(self, reports: Iterable[Report], t_ns: int) -> tuple[FusedTrack, ...]:
        """Take in the reports and return the picture at ``t_ns``; two reports of one node are one too many."""
        ordered = sorted(reports, key=lambda report: report.node_id)
        names = [report.node_id for report in ordered]
        if len(set(names)) < len(names):
            raise ValueError(f"reports of nodes {', '.join(names)}: must be one a node in one update")
        picture = [self._moved(track, t_ns) for track in self.tracks]
        for report in ordered:
            self._take(picture, report, t_ns)
        oldest_ns = t_ns - int(self._config.forget_after_s * 1e9)
        self.tracks = tuple(track for track in picture if track.heard_ns >= oldest_ns)
        return self.tracks

    def _take(self, picture: list[FusedTrack], report: Report, t_ns: int) -> None:
        """Associate one report with the picture and fuse, or begin, its tracks."""
        tracks = sorted(report.tracks, key=lambda track: track.track_id)
        incoming = [self._as_fused(report.node_id, track, t_ns) for track in tracks]
        for j, i in enumerate(self._associate(picture, incoming, report.node_id)):
            new, sent = incoming[j], report.sent.get(tracks[j].track_id)
            if i < 0:
                picture.append(replace(new, picture_id=self._next_id))
                self._next_id += 1
                continue
            known = new.members[0] in picture[i].members
            old = self._as_fused(report.node_id, sent, t_ns) if sent is not None and known else None
            picture[i] = fused(picture[i], new, old)

    def _associate(self, picture: list[FusedTrack], incoming: list[FusedTrack], node_id: str) -> list[int]:
        """Return for each incoming track its place in the picture, or -1.

        A track keeps the target that it was fused with as long as it is inside the gate; the others are assigned
        for the least total distance.
        """
        out = [-1] * len(incoming)
        if not picture or not incoming:
            return out
        d2 = np.empty((len(picture), len(incoming)))
        kernel.distances(*_stacked(picture), *_stacked(incoming), d2)
        inside: NDArray[np.bool_] = d2 < self._gate_d2
        free_rows, free_columns = np.ones(len(picture), np.bool_), np.ones(len(incoming), np.bool_)
        for j, track in enumerate(incoming):
            for i, held in enumerate(picture):
                if out[j] < 0 and free_rows[i] and inside[i, j] and track.members[0] in held.members:
                    out[j] = i
                    free_rows[i] = free_columns[j] = False
        open_ = inside & free_rows[:, None] & free_columns
        cost = np.where(open_, d2, 2.0 * self._gate_d2)  # a pair outside the gate costs more than any inside
        for i, j in zip(*linear_sum_assignment(cost), strict=True):
            if open_[i, j]:
                out[int(j)] = int(i)
        return out

    def _as_fused(self, node_id: str, track: Track, t_ns: int) -> FusedTrack:
        P = np.zeros((6, 6))
        P[UPPER] = track.covariance
        P = P + np.triu(P, 1).T
        own = dict(track.class_probabilities)
        member = ((node_id, track.track_id),)
        heard = FusedTrack(0, track.t_ns, np.array(track.state), P, track.existence, own, member, track.t_ns)
        return self._moved(heard, t_ns)

    def _moved(self, track: FusedTrack, t_ns: int) -> FusedTrack:
        """Return the track at ``t_ns``, with what may have driven it meanwhile in its covariance."""
        if track.t_ns == t_ns:
            return track
        if t_ns < track.t_ns:
            raise ValueError(f"track at {track.t_ns} ns: newer than the picture at {t_ns} ns")
        x, P = track.x.copy(), track.P.copy()
        predict_one(x, P, self._config.acceleration_intensity, (t_ns - track.t_ns) / 1e9)
        return replace(track, t_ns=t_ns, x=x, P=P)


def fused(held: FusedTrack, new: FusedTrack, old: FusedTrack | None = None) -> FusedTrack:
    """Return the held track with a report of the same time taken in; ``old``: what the sender had said before of it.

    The old one leaves only the news; where there is none, or the sender lost knowledge since, intersection is used.
    """
    x, P = held.x.copy(), held.P.copy()
    if old is not None and kernel.add_news(x, P, new.x, new.P, old.x, old.P):
        terms = (held, 1.0), (new, 1.0), (old, -1.0)
    else:
        omega = kernel.intersect(held.x, held.P, new.x, new.P, x, P)
        if np.isnan(omega):  # one of the two is no estimate: the other stands
            return held
        terms = (held, omega), (new, 1.0 - omega), (new, 0.0)
    logit = sum(weight * _logit(track.existence) for track, weight in terms)
    return replace(
        held,
        x=x,
        P=P,
        existence=float(1.0 / (1.0 + np.exp(-logit))),
        class_probabilities=_pooled([(track.class_probabilities, weight) for track, weight in terms]),
        members=tuple(sorted({*held.members, *new.members})),
        heard_ns=max(held.heard_ns, new.heard_ns),
    )


def _logit(p: float) -> float:
    clipped = min(max(p, LEAST), 1.0 - LEAST)
    return float(np.log(clipped / (1.0 - clipped)))


def _pooled(terms: list[tuple[dict[str, float], float]]) -> dict[str, float]:
    """Return ``prod p^weight``, normalised, over all classes that anybody names."""
    names = sorted({name for p, _ in terms for name in p})
    if not names:
        return {}
    logs = sum(weight * np.log([max(p.get(name, 0.0), LEAST) for name in names]) for p, weight in terms)
    pooled = np.exp(logs - np.max(logs))
    return dict(zip(names, (pooled / pooled.sum()).tolist(), strict=True))


def _stacked(tracks: list[FusedTrack]) -> tuple[F64, F64]:
    return np.array([track.x for track in tracks]), np.array([track.P for track in tracks])
