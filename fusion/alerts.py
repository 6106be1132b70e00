"""Alerts to people: INFO, CAUTION, WARNING as a table-driven state machine with hysteresis and holding times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from fusion.own import OwnConfig, OwnForce
from fusion.threat import DRONE_NAMES, Threat, ThreatConfig, assess
from messages.types import Alert, AlertLevel, PlatformPose, Track


class Level(IntEnum):
    """Alert levels, NONE for a track that nobody was told about."""

    NONE = 0
    INFO = 1
    CAUTION = 2
    WARNING = 3


class Move(IntEnum):
    """What the wish of the moment asks of the level that stands."""

    RISE = 0  # a higher level is wanted, for long enough
    STAY = 1
    FALL = 2  # a lower level is wanted, for long enough


NEXT: dict[tuple[Level, Move], str] = {
    (Level.NONE, Move.RISE): "announce",
    (Level.NONE, Move.STAY): "keep",
    (Level.INFO, Move.RISE): "announce",
    (Level.INFO, Move.STAY): "keep",
    (Level.INFO, Move.FALL): "lower",
    (Level.CAUTION, Move.RISE): "announce",
    (Level.CAUTION, Move.STAY): "keep",
    (Level.CAUTION, Move.FALL): "lower",
    (Level.WARNING, Move.STAY): "keep",
    (Level.WARNING, Move.FALL): "lower",
}
"""Level that stands, move -> what to do: ``announce`` the wanted level, ``keep``, ``lower`` to the wanted level."""


class IllegalMove(ValueError):
    """The move cannot happen at this level; nothing was changed."""


def action(level: Level, move: Move) -> str:
    """Return what the table says; raise IllegalMove where it has no such row."""
    try:
        return NEXT[level, move]
    except KeyError:
        raise IllegalMove(f"alert level {level.name}: move {move.name} is not allowed") from None


@dataclass(frozen=True)
class AlertConfig:
    """When people are told what; each value with its reason."""

    info_existence: float = 0.9
    caution_drone: float = 0.5
    """More likely a drone than not."""
    warning_drone: float = 0.85
    """A threatening approach needs less certainty of identity ..."""
    near_drone: float = 0.92
    """... than a drone that is merely near: birds live near vehicles too."""
    warning_time_s: float = 60.0
    """A 50 m/s drone from 3 km: earlier predictions of a miss distance say nothing."""
    closing_mps: float = 6.0
    """Slower approach is loitering or wind; the slowest attack legs fly 10 m/s."""
    miss_m: float = 80.0
    """Predicted passing distance that is an attack: the aim point is within a vehicle's surroundings ..."""
    miss_share_of_range: float = 0.15
    """... plus what a pilot still corrects: 8 degrees of heading."""
    near_m: float = 500.0
    """Slant range inside which any likely drone is 10-30 s from an attack."""
    observer_m: float = 1200.0
    """A likely drone inside this range that stays ..."""
    observer_s: float = 30.0
    """... this long is no passer-by: whoever watches a halted platoon directs fire on it."""
    caution_m: float = 2000.0
    """Inside, a likely drone observes the platoon even if it does not approach."""
    bird_veto: float = 0.1
    """A track that is this likely a bird never raises WARNING."""
    leave_factor: float = 1.3
    """Limits are widened by this for a level that stands: an approach that wobbles must not flicker."""
    rise_after_s: float = 0.8
    """A level must be wanted this long: one odd velocity estimate is not an approach."""
    hold_s: float = 4.0
    """A level stands at least this long: crews read it, speak, look."""
    forget_s: float = 10.0
    """A track that is gone so long is forgotten; if it comes back people are told again."""
    threat: ThreatConfig = field(default_factory=ThreatConfig)
    own: OwnConfig = field(default_factory=OwnConfig)


@dataclass
class Standing:
    """What was said about one track, and what is wanted now and since when."""

    level: Level = Level.NONE
    since_ns: int = 0
    wanted_s: dict[Level, float] = field(default_factory=dict)
    """For how long at least this level has been wanted, less the time in which it was not."""
    below_since_ns: int = -1
    """Since when less than the standing level has been wanted without a break; -1: it is still wanted."""
    seen_ns: int = 0
    observing_since_ns: int = -1
    platform_id: str = ""


class AlertBook:
    """Keep the standing level of each track; say something when it rises or its platform changes at WARNING.

    A track that is an own drone, by the drone's own report, is never wanted above INFO.
    """

    def __init__(self, config: AlertConfig | None = None) -> None:
        self.config = config or AlertConfig()
        self._standing: dict[int, Standing] = {}
        self._own = OwnForce(self.config.own)
        self._next_id = 1

    def update(self, tracks: Sequence[Track], poses: Sequence[PlatformPose], t_ns: int) -> list[Alert]:
        """Return the alerts that are new at this time, in order of track id."""
        defended = sorted((p for p in poses if p.defended), key=lambda p: p.platform_id)
        own = self._own.update(tracks, poses, t_ns)
        alerts = []
        for track in sorted(tracks, key=lambda track: track.track_id):
            threat = assess(track, defended, self.config.threat)
            if threat is None:
                continue
            standing = self._standing.setdefault(track.track_id, Standing(since_ns=t_ns, seen_ns=t_ns))
            mine = own.get(track.track_id)
            if self._advance(standing, track, threat, t_ns, own=mine is not None):
                alerts.append(self._alert(standing, track, threat, t_ns, mine))
            standing.seen_ns = t_ns
        limit = t_ns - int(self.config.forget_s * 1e9)
        self._standing = {k: s for k, s in self._standing.items() if s.seen_ns >= limit}
        return alerts

    def level(self, track_id: int) -> Level:
        """Return the level that stands for a track."""
        standing = self._standing.get(track_id)
        return standing.level if standing else Level.NONE

    def _advance(self, standing: Standing, track: Track, threat: Threat, t_ns: int, *, own: bool) -> bool:
        """Move the standing level by the table; say whether there is something to announce."""
        wanted = wanted_level(track, threat, standing.level, self.config)
        if self._observes(standing, threat, t_ns):
            wanted = Level.WARNING
        if own:
            wanted = min(wanted, Level.INFO)
            standing.observing_since_ns = -1
        self._note(standing, wanted, t_ns)
        lasting = self._lasting(standing)
        move = self._move(standing, lasting, t_ns)
        do = action(standing.level, move)
        if do == "keep":
            return False
        standing.level = lasting if move == Move.RISE else wanted
        standing.since_ns, standing.below_since_ns = t_ns, -1
        standing.platform_id = threat.platform_id
        return do == "announce"

    def _observes(self, standing: Standing, threat: Threat, t_ns: int) -> bool:
        """Say whether a likely drone has stayed within sight of the platoon long enough to be an observer."""
        c = self.config
        near = threat.range_m <= c.observer_m * (c.leave_factor if standing.level == Level.WARNING else 1.0)
        if not near or threat.drone_probability < c.near_drone or threat.bird_probability >= c.bird_veto:
            standing.observing_since_ns = -1
            return False
        if standing.observing_since_ns < 0:
            standing.observing_since_ns = t_ns
        return (t_ns - standing.observing_since_ns) / 1e9 >= c.observer_s

    def _note(self, standing: Standing, wanted: Level, t_ns: int) -> None:
        """Keep the clocks: each level has its own, so that one odd moment cannot borrow a lower level's time.

        A clock runs back while its level is not wanted: a wobbling approach counts, a spike does not.
        """
        limit_s, dt_s = self.config.rise_after_s, (t_ns - standing.seen_ns) / 1e9
        for level in (Level.INFO, Level.CAUTION, Level.WARNING):
            step_s = dt_s if level <= wanted else -dt_s
            standing.wanted_s[level] = min(max(standing.wanted_s.get(level, 0.0) + step_s, 0.0), limit_s)
        if wanted >= standing.level:
            standing.below_since_ns = -1
        elif standing.below_since_ns < 0:
            standing.below_since_ns = t_ns

    def _lasting(self, standing: Standing) -> Level:
        """Return the highest level that has been wanted for long enough."""
        limit_s = self.config.rise_after_s - 1e-9  # the sum of many time steps is rounded
        return max((level for level, wanted_s in standing.wanted_s.items() if wanted_s >= limit_s), default=Level.NONE)

    def _move(self, standing: Standing, lasting: Level, t_ns: int) -> Move:
        if lasting > standing.level:
            return Move.RISE
        if standing.below_since_ns >= 0:
            below_s = (t_ns - max(standing.below_since_ns, standing.since_ns)) / 1e9
            if below_s >= self.config.hold_s:
                return Move.FALL
        return Move.STAY

    def _alert(self, standing: Standing, track: Track, threat: Threat, t_ns: int, own: str | None) -> Alert:
        alert = Alert(
            alert_id=self._next_id,
            track_id=track.track_id,
            t_ns=t_ns,
            level=_word(standing.level),
            platform_id=threat.platform_id,
            reason=reason(standing.level, track, threat, self.config, own),
            evidence=evidence(track, threat),
            aspect=threat.aspect,
            priority=threat.priority,
            time_to_closest_s=threat.time_to_closest_s,
            distance_at_closest_m=threat.distance_at_closest_m,
            range_m=threat.range_m,
            azimuth_rad=threat.azimuth_rad,
            elevation_rad=threat.elevation_rad,
        )
        self._next_id += 1
        return alert


def _word(level: Level) -> AlertLevel:
    words: dict[Level, AlertLevel] = {Level.INFO: "INFO", Level.CAUTION: "CAUTION", Level.WARNING: "WARNING"}
    return words[level]


def approaching(threat: Threat, config: AlertConfig, slack: float) -> bool:
    """Say whether the target comes at the platform: closing, soon, and its predicted miss is small."""
    miss_limit = config.miss_m + config.miss_share_of_range * threat.range_m + min(threat.miss_sigma_m, config.miss_m)
    return (
        threat.closing_mps * slack >= config.closing_mps
        and threat.time_to_closest_s <= config.warning_time_s * slack
        and threat.distance_at_closest_m <= miss_limit * slack
    )


def wanted_level(track: Track, threat: Threat, standing: Level, config: AlertConfig) -> Level:
    """Return the level that the moment asks for; limits are wider for a level that already stands."""
    drone, bird = threat.drone_probability, threat.bird_probability
    slack = config.leave_factor if standing == Level.WARNING else 1.0
    if bird < config.bird_veto:
        if drone * slack >= config.warning_drone and approaching(threat, config, slack):
            return Level.WARNING
        if drone * slack >= config.near_drone and threat.range_m <= config.near_m * slack:
            return Level.WARNING
    slack = config.leave_factor if standing >= Level.CAUTION else 1.0
    observed = threat.range_m <= config.caution_m * slack
    if drone * slack >= config.caution_drone and (observed or approaching(threat, config, slack)):
        return Level.CAUTION
    return Level.INFO if track.existence >= config.info_existence or standing >= Level.INFO else Level.NONE


def reason(level: Level, track: Track, threat: Threat, config: AlertConfig, own: str | None = None) -> str:
    """Say in one sentence why people are told; ``own`` is the platform that the track is by its own report."""
    kind = f"own drone {own}" if own else likely_kind(track)
    where = f"{threat.range_m:.0f} m, {np.degrees(threat.azimuth_rad):.0f} deg, {threat.aspect} of {threat.platform_id}"
    if level == Level.WARNING and approaching(threat, config, config.leave_factor):
        return f"{kind} approaching: {where}, closest in {threat.time_to_closest_s:.0f} s"
    if level == Level.WARNING and threat.range_m <= config.near_m * config.leave_factor:
        return f"{kind} near: {where}"
    if level == Level.WARNING:
        return f"{kind} observing for {config.observer_s:.0f} s: {where}"
    if level == Level.CAUTION and threat.range_m > config.caution_m * config.leave_factor:
        return f"{kind} comes this way: {where}"
    if level == Level.CAUTION:
        return f"being observed: {kind} at {where}"
    return f"{kind} in the area: {where}"


def likely_kind(track: Track) -> str:
    """Name the most likely class, or only 'drone' where its kind is open."""
    name, p = max(track.class_probabilities.items(), key=lambda item: item[1])
    drone = sum(track.class_probabilities.get(n, 0.0) for n in DRONE_NAMES)
    if p >= 0.5 or drone < 0.5:
        return name.replace("_", " ").replace("fpv", "FPV drone") if p >= 0.4 else "unidentified object"
    return "drone"


def evidence(track: Track, threat: Threat) -> tuple[str, ...]:
    """List the numbers behind the reason, in plain English."""
    sensors = sorted(track.sensor_shares.items(), key=lambda item: (-item[1], item[0]))[:4]
    best = max(track.class_probabilities.items(), key=lambda item: item[1])
    sigma = threat.miss_sigma_m
    return (
        f"drone with probability {threat.drone_probability:.2f}; most likely {best[0]} ({best[1]:.2f})",
        f"speed {threat.speed_mps:.0f} m/s, closing {threat.closing_mps:.0f} m/s, height angle "
        f"{np.degrees(threat.elevation_rad):.0f} deg",
        f"closest approach to {threat.platform_id}: {threat.distance_at_closest_m:.0f} m (sigma {sigma:.0f} m) "
        f"in {threat.time_to_closest_s:.0f} s",
        "seen by " + (", ".join(f"{name} {100 * share:.0f} %" for name, share in sensors) or "no sensor recently"),
    )
