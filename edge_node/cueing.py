"""The cue scheduler: which track each sensor that can be pointed is asked to look at.

A pure, deterministic object: tracks, poses and time enter as arguments; same calls, same cues. The worth of a
look is a product of how urgent the track is (threat and standing alert), what a look would tell (place, identity),
whether the target would be in the field, how long it has waited, and how much of the time the slew would cost.
The waiting factor grows without a limit and starts again with each visit, so that nothing waits for ever.
Asking is all it does: a sensor may not obey, and nothing but sensors can be asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edge_node.aiming import Aim, States, aims_from, inside, place_of, states_at, turn_rad
from fusion.threat import assess
from messages.types import Alert, PlatformPose, SensorCue, SensorDescription, SensorHead, SensorScan, Track

_LEVEL = {"INFO": 1, "CAUTION": 2, "WARNING": 3}


@dataclass(frozen=True)
class CueConfig:
    """How looks are dealt out; each value with its reason."""

    period_s: float = 0.1
    """Ten cues a second: a drone at 300 m that crosses with 30 m/s moves 0.6 degrees between two of them."""
    dwell_s: float = 1.5
    """A visit: seven looks of a 5 Hz camera bring the cross-range sigma down to the camera's own, and a class."""
    revisit_s: float = 4.0
    """After so long without a look a track is worth twice: an FPV has flown 120 m, out of what was predicted."""
    stay: float = 1.3
    """Whom a head looks at counts for so much more: two equal tracks must not make it swing for nothing."""
    shared: float = 0.3
    """A track that another head already looks at: a second direction still helps, less than a first one elsewhere."""
    alert_factor: tuple[float, float, float, float] = (1.0, 1.0, 1.5, 2.0)
    """Nothing said, INFO, CAUTION, WARNING: what the crew has been told of is looked at first."""
    calm: float = 0.15
    """Urgency of a track that threatens nobody: unknown things are looked at too, when there is time."""
    floor: float = 0.2
    """Worth of a look at a track whose place and class are known: it keeps them known."""
    accuracy: float = 0.5
    """Part of the worth that is the gain in accuracy across the line of sight ..."""
    identity: float = 0.3
    """... and that of an open identity; with ``floor`` the three sum to 1."""
    least_in_view: float = 0.05
    """A track too uncertain for the field of view is still tried now and then."""
    reach: float = 1.5
    """Times the described range: larger targets than the nominal drone are seen further out."""
    tracks_max: int = 64
    """Candidates at a time; of more, those that exist most surely are considered."""


@dataclass
class _Head:
    """One sensor that can be pointed, and whom it looks at."""

    head: SensorHead
    track_id: int | None = None
    arrived_ns: int = 0  # when the slew to the track is expected to be over
    free_ns: int = 0  # until then it stays, unless a new WARNING calls
    pointing: tuple[float, float] | None = None  # centre of its last look


@dataclass
class _Known:
    """What is remembered of a track: when a head last looked at it, and what the crew was told."""

    looked_ns: int
    level: int = 0
    called: bool = False  # a WARNING has been raised that no head has answered yet


class CueScheduler:
    """Deal out the looks of all heads; ``update`` returns the cues that are due."""

    def __init__(self, config: CueConfig | None = None) -> None:
        self.config = config or CueConfig()
        self._sensors: dict[str, SensorDescription] = {}
        self._heads: dict[str, _Head] = {}
        self._known: dict[int, _Known] = {}
        self._next_ns = 0

    def add_sensor(self, description: SensorDescription) -> None:
        """Take or replace a sensor's description."""
        self._sensors[description.sensor_id] = description

    def add_head(self, head: SensorHead) -> None:
        """Take or replace what a sensor says of its head; its description has come before."""
        known = self._heads.get(head.sensor_id)
        if known is None or known.head != head:
            self._heads[head.sensor_id] = _Head(head)

    def saw(self, scan: SensorScan) -> None:
        """Note where a head looked."""
        head, look = self._heads.get(scan.sensor_id), scan.look
        if head is not None and look is not None and look.azimuth_rad is not None and look.elevation_rad is not None:
            head.pointing = sum(look.azimuth_rad) / 2.0, sum(look.elevation_rad) / 2.0

    def update(
        self, tracks: Sequence[Track], poses: Sequence[PlatformPose], alerts: Sequence[Alert], t_ns: int
    ) -> list[SensorCue]:
        """Return one cue for each head that has something to look at, in order of sensor id; none between periods."""
        self._note(tracks, alerts, t_ns)
        if not self._heads or t_ns < self._next_ns:
            return []
        self._next_ns = t_ns + round(self.config.period_s * 1e9)
        candidates = sorted(tracks, key=lambda track: (-track.existence, track.track_id))[: self.config.tracks_max]
        urgency = {track.track_id: self._urgency(track, poses) for track in candidates}
        platforms = {pose.platform_id: pose for pose in poses}
        states, numbers = states_at(candidates, t_ns), [track.track_id for track in candidates]
        aims = {name: self._aims(name, numbers, states, platforms, t_ns) for name in sorted(self._heads)}
        self._deal(aims, {track.track_id: track for track in candidates}, urgency, t_ns)
        return [
            _cue(name, head.track_id, aims[name][head.track_id], t_ns)
            for name, head in sorted(self._heads.items())
            if head.track_id is not None
        ]

    def watched(self, sensor_id: str) -> int | None:
        """Return the track that a head looks at, or None."""
        head = self._heads.get(sensor_id)
        return head.track_id if head else None

    def _note(self, tracks: Sequence[Track], alerts: Sequence[Alert], t_ns: int) -> None:
        """Remember new tracks and what was said, forget those that have gone."""
        self._known = {t.track_id: self._known.get(t.track_id) or _Known(t_ns) for t in tracks}
        for alert in alerts:
            known = self._known.get(alert.track_id)
            if known is not None:
                known.called |= alert.level == "WARNING" and known.level < _LEVEL["WARNING"]
                known.level = _LEVEL[alert.level]
        for head in self._heads.values():
            if head.track_id not in self._known:
                head.track_id, head.free_ns = None, t_ns
            elif t_ns >= head.arrived_ns:
                self._known[head.track_id].looked_ns, self._known[head.track_id].called = t_ns, False

    def _urgency(self, track: Track, poses: Sequence[PlatformPose]) -> float:
        threat = assess(track, poses)
        factor = self.config.alert_factor[self._known[track.track_id].level]
        return factor * (self.config.calm + (threat.priority if threat else 0.0)) * track.existence

    def _aims(
        self, name: str, numbers: list[int], states: States, platforms: dict[str, PlatformPose], t_ns: int
    ) -> dict[int, Aim]:
        """Return how a sensor would have to look at each track that it can be turned to."""
        description = self._sensors[name]
        pose = platforms.get(description.platform_id or "")
        if description.platform_id is not None and pose is None:
            return {}
        aims = zip(numbers, aims_from(place_of(description, pose, t_ns), states), strict=True)
        return {track_id: aim for track_id, aim in aims if self._reachable(description, aim)}

    def _reachable(self, description: SensorDescription, aim: Aim) -> bool:
        fov = description.field_of_view
        if fov.range_m is not None and not fov.range_m[0] <= aim.range_m <= self.config.reach * fov.range_m[1]:
            return False
        low, high = fov.elevation_rad or (-math.pi, math.pi)
        return low <= aim.own_elevation_rad <= high and (
            fov.azimuth_rad is None or inside(aim.own_azimuth_rad, fov.azimuth_rad)
        )

    def _deal(
        self, aims: dict[str, dict[int, Aim]], tracks: dict[int, Track], urgency: dict[int, float], t_ns: int
    ) -> None:
        """Give each head its track: those in the middle of a visit stay, then the best pair first."""
        open_, taken = [], set[int]()
        answered = {head.track_id for head in self._heads.values()}
        called = {i for i in tracks if self._known[i].called} - answered
        for name, head in sorted(self._heads.items()):
            mine = head.track_id if head.track_id in aims[name] else None
            if mine is not None and t_ns < head.free_ns and not called & set(aims[name]):
                taken.add(mine)
            else:
                open_.append(name)
        scores = {
            (n, i): self._worth(n, tracks[i], aim, t_ns) * urgency[i] for n in open_ for i, aim in aims[n].items()
        }
        while open_:

            def value(pair: tuple[str, int]) -> float:
                return scores[pair] * (self.config.shared if pair[1] in taken else 1.0)

            free = [pair for pair in scores if pair[0] in open_]
            best = min(free, key=lambda pair: (-value(pair), pair), default=None)
            if best is None:
                for name in open_:
                    self._heads[name].track_id = None
                return
            self._send(*best, aims[best[0]][best[1]], t_ns)
            open_.remove(best[0])
            taken.add(best[1])

    def _worth(self, name: str, track: Track, aim: Aim, t_ns: int) -> float:
        """Return what a look of this head at a track would be worth, without its urgency."""
        c, head = self.config, self._heads[name]
        own = self._sensors[name].sigma.azimuth_rad or 0.0
        accuracy = 1.0 - own / max(math.hypot(own, aim.sigma_rad), 1e-12)
        unknown = 1.0 - max(track.class_probabilities.values(), default=0.0)
        told = c.floor + c.accuracy * accuracy + c.identity * unknown
        halves = head.head.horizontal_rad / 2.0, head.head.vertical_rad / 2.0
        in_view = math.prod(math.erf(half / max(aim.sigma_rad, 1e-9) / math.sqrt(2.0)) for half in halves)
        waited_s = (t_ns - self._known[track.track_id].looked_ns) / 1e9
        fresh = (1.0 + waited_s / c.revisit_s) * (c.stay if head.track_id == track.track_id else 1.0)
        return told * max(in_view, c.least_in_view) * fresh * c.dwell_s / (c.dwell_s + self._slew_s(name, aim))

    def _slew_s(self, name: str, aim: Aim) -> float:
        """Return how long the head needs to turn to a track and to settle; 0 for one that it looks at."""
        head = self._heads[name]
        if head.pointing is None:
            return head.head.settle_s
        turn = max(turn_rad(head.pointing[0], aim.own_azimuth_rad), abs(aim.own_elevation_rad - head.pointing[1]))
        if turn <= min(head.head.horizontal_rad, head.head.vertical_rad) / 2.0:
            return 0.0
        return turn / head.head.slew_rate_radps + head.head.settle_s

    def _send(self, name: str, track_id: int, aim: Aim, t_ns: int) -> None:
        head = self._heads[name]
        if head.track_id != track_id:
            head.track_id = track_id
            head.arrived_ns = t_ns + round(self._slew_s(name, aim) * 1e9)
            head.free_ns = head.arrived_ns + round(self.config.dwell_s * 1e9)


def _cue(sensor_id: str, track_id: int, aim: Aim, t_ns: int) -> SensorCue:
    rates = (min(max(rate, -100.0), 100.0) for rate in (aim.azimuth_rate_radps, aim.elevation_rate_radps))
    azimuth_rate, elevation_rate = rates
    return SensorCue(
        sensor_id=sensor_id,
        t_ns=t_ns,
        track_id=track_id,
        azimuth_rad=aim.azimuth_rad,
        elevation_rad=aim.elevation_rad,
        azimuth_rate_radps=azimuth_rate,
        elevation_rate_radps=elevation_rate,
        sigma_rad=min(aim.sigma_rad, 1e9),
        range_m=aim.range_m,
    )
