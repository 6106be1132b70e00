"""The cue scheduler: same calls same cues, threats first, visits that last, and nobody who waits for ever."""

from __future__ import annotations

import math
import random

import msgspec
import numpy as np
import pytest
from edge_node_fakes import MS, fake_alert
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_node.cueing import CueConfig, CueScheduler
from messages.frames import azimuth_elevation_range
from messages.types import (
    Alert,
    FieldOfView,
    MeasurementSigma,
    PlatformPose,
    SensorCue,
    SensorDescription,
    SensorHead,
    SensorScan,
    Track,
)

PERIOD_NS = 100 * MS
RATE_RADPS, SETTLE_S, FIELD_RAD = 1.0, 0.2, 0.05
BIRD = {"bird": 0.99, "fpv": 0.01}
DRONE = {"fpv": 0.99, "bird": 0.01}


def camera(name: str = "zoom", *, far_m: float = 2000.0, **how: object) -> SensorDescription:
    return SensorDescription(
        sensor_id=name,
        kind="eo",
        sigma=MeasurementSigma(azimuth_rad=5e-4, elevation_rad=5e-4),
        field_of_view=FieldOfView(range_m=(5.0, far_m), azimuth_rad=(-math.pi, math.pi), elevation_rad=(-0.2, 1.2)),
        scan_period_s=0.1,
        **how,  # type: ignore[arg-type]
    )


def head(name: str = "zoom") -> SensorHead:
    return SensorHead(
        sensor_id=name,
        horizontal_rad=FIELD_RAD,
        vertical_rad=FIELD_RAD,
        slew_rate_radps=RATE_RADPS,
        settle_s=SETTLE_S,
    )


def track(number: int, position_m: object, velocity_mps: object = (0.0, 0.0, 0.0), **how: object) -> Track:
    sigma_m = float(how.pop("sigma_m", 5.0))  # type: ignore[arg-type]
    values = {
        "track_id": number,
        "t_ns": 0,
        "status": "confirmed",
        "existence": 1.0,
        "state": (*position_m, *velocity_mps),  # type: ignore[misc]
        "covariance": tuple(sigma_m**2 * (i == j) for i in range(6) for j in range(i, 6)),
        "class_probabilities": DRONE,
        "model_probabilities": (1.0,),
        "sensor_shares": {},
    }
    return Track(**{**values, **how})  # type: ignore[arg-type]


def at(number: int, azimuth_deg: float, range_m: float = 800.0, **how: object) -> Track:
    a = math.radians(azimuth_deg)
    return track(number, (range_m * math.sin(a), range_m * math.cos(a), 60.0), **how)


def hull(t_ns: int = 0) -> PlatformPose:
    return PlatformPose(platform_id="tank_1", t_ns=t_ns, position_m=(0.0, 0.0, 0.0), yaw_rad=0.0, defended=True)


def warning(number: int, t_ns: int, level: str = "WARNING") -> Alert:
    return msgspec.structs.replace(fake_alert(1, t_ns, "tank_1"), track_id=number, level=level)


class Scene:
    """A scheduler with heads that obey at their rate, driven period by period."""

    def __init__(self, *names: str, config: CueConfig | None = None) -> None:
        self.scheduler = CueScheduler(config)
        self.t_ns = 0
        self.pointing = dict.fromkeys(names or ("zoom",), (0.0, 0.0))
        for name in self.pointing:
            self.scheduler.add_sensor(camera(name))
            self.scheduler.add_head(head(name))

    def step(self, tracks: list[Track], alerts: tuple[Alert, ...] = ()) -> list[SensorCue]:
        """Let one period pass: look, fuse, judge, cue; the heads turn."""
        self.t_ns += PERIOD_NS
        for name, (azimuth, elevation) in self.pointing.items():
            look = FieldOfView(azimuth_rad=(azimuth - 0.01, azimuth + 0.01), elevation_rad=(elevation, elevation))
            self.scheduler.saw(SensorScan(sensor_id=name, scan=0, t_ns=self.t_ns, look=look))
        now = [msgspec.structs.replace(track, t_ns=self.t_ns) for track in tracks]
        cues = self.scheduler.update(now, [hull(self.t_ns)], alerts, self.t_ns)
        for cue in cues:
            azimuth, _ = self.pointing[cue.sensor_id]
            turn = math.remainder(cue.azimuth_rad - azimuth, math.tau)
            azimuth += min(max(turn, -RATE_RADPS * 0.1), RATE_RADPS * 0.1)
            self.pointing[cue.sensor_id] = azimuth, cue.elevation_rad
        return cues

    def watched(self, tracks: list[Track], periods: int) -> list[int | None]:
        """Return whom the first head looks at in each of so many periods."""
        name = next(iter(self.pointing))
        out = []
        for _ in range(periods):
            self.step(tracks)
            out.append(self.scheduler.watched(name))
        return out


def runs(values: list[int | None]) -> list[tuple[int | None, int]]:
    """Return each value with how often it stands in a row."""
    out: list[tuple[int | None, int]] = []
    for value in values:
        out = [*out[:-1], (value, out[-1][1] + 1)] if out and out[-1][0] == value else [*out, (value, 1)]
    return out


def test_same_calls_same_cues_whatever_the_order_of_the_tracks() -> None:
    rng = random.Random(5)
    tracks = [at(i, 40.0 * i, 400.0 + 100.0 * i, sigma_m=2.0 + i) for i in range(1, 8)]
    one, two = Scene("left", "right"), Scene("left", "right")
    for _ in range(200):
        mixed = rng.sample(tracks, len(tracks))
        assert one.step(tracks) == two.step(mixed)


def test_a_cue_points_at_the_track_from_the_sensor_and_its_rates_carry_it_on() -> None:
    scheduler = CueScheduler()
    mount, speed = np.array([1.0, -2.0, 3.0]), np.array([3.0, 0.0, 0.0])
    scheduler.add_sensor(camera(platform_id="tank_1", position_m=tuple(mount), angles="sensor"))
    scheduler.add_head(head())
    start, velocity = np.array([300.0, 500.0, 80.0]), np.array([-20.0, 5.0, -4.0])
    pose = PlatformPose(
        platform_id="tank_1", t_ns=0, position_m=(10.0, 20.0, 1.0), velocity_mps=tuple(speed), yaw_rad=0.0
    )
    (cue,) = scheduler.update([track(7, start, velocity)], [pose], [], 200 * MS)
    place = np.array([10.0, 20.0, 1.0]) + 0.2 * speed + [2.0, 1.0, 3.0]  # faces north: forward 1, left -2 is east 2

    def direction(after_s: float) -> tuple[float, float, float]:
        offset = start + (0.2 + after_s) * velocity - place - after_s * speed
        azimuth, elevation, distance = azimuth_elevation_range(offset)
        return float(azimuth), float(elevation), float(distance)

    h = 1e-4  # central difference: error of order h^2 times the third derivative, far below 1e-6
    (a0, e0, r0), late, early = direction(0.0), direction(h), direction(-h)
    assert (cue.sensor_id, cue.track_id, cue.t_ns) == ("zoom", 7, 200 * MS)
    assert (cue.azimuth_rad, cue.elevation_rad, cue.range_m) == pytest.approx((a0, e0, r0), abs=1e-9)
    assert cue.azimuth_rate_radps == pytest.approx((late[0] - early[0]) / (2 * h), abs=1e-6)
    assert cue.elevation_rate_radps == pytest.approx((late[1] - early[1]) / (2 * h), abs=1e-6)
    assert cue.sigma_rad == pytest.approx(5.0 / r0, rel=1e-9)  # the covariance is a sphere of 5 m


def test_an_approaching_drone_comes_before_a_bird_that_is_nearer() -> None:
    drone = track(1, (0.0, 900.0, 60.0), (0.0, -30.0, -1.0))
    bird = track(2, (300.0, 300.0, 60.0), class_probabilities=BIRD)
    scene = Scene()
    watched = scene.watched([bird, drone], 600)
    assert watched[0] == 1
    assert watched.count(1) > 2 * watched.count(2) > 0


def test_what_is_known_well_gives_way_to_what_is_not() -> None:
    clear = at(2, 350.0, sigma_m=0.5)
    assert Scene().watched([at(1, 10.0, sigma_m=8.0), clear], 1) == [1]
    unnamed = at(1, 10.0, sigma_m=0.5, class_probabilities={"fpv": 0.5, "quadcopter": 0.5})
    assert Scene().watched([unnamed, clear], 1) == [1]


def test_a_visit_lasts_its_dwell_after_the_slew() -> None:
    scene = Scene()
    tracks = [at(1, 0.0), at(2, 90.0), at(3, 180.0)]
    visits = runs(scene.watched(tracks, 600))[:-1]
    assert len(visits) > 5
    # a slew between two of them takes at least 90 degrees at 1 rad/s, 1.57 s, then 0.2 s, then 1.5 s of looking
    shortest = (math.pi / 2 / RATE_RADPS + SETTLE_S + CueConfig().dwell_s) / 0.1
    assert min(n for _, n in visits[1:]) >= math.floor(shortest)


def test_a_new_warning_breaks_a_visit_and_an_old_one_does_not() -> None:
    scene = Scene()
    near, far = at(1, 0.0, 400.0), at(2, 120.0, 1500.0, class_probabilities=BIRD)
    assert scene.watched([near, far], 2) == [1, 1]
    scene.step([near, far], (warning(2, scene.t_ns, "CAUTION"),))
    assert scene.scheduler.watched("zoom") == 1
    called = Scene(config=CueConfig(alert_factor=(1.0, 1.0, 1.0, 100.0)))
    called.watched([near, far], 2)
    called.step([near, far], (warning(2, called.t_ns),))
    assert called.scheduler.watched("zoom") == 2
    called.step([near, far], (warning(1, called.t_ns),))
    assert called.scheduler.watched("zoom") == 1  # a WARNING of its own, new as well
    called.step([near, far], (warning(2, called.t_ns),))  # was said before
    assert called.scheduler.watched("zoom") == 1


def test_two_heads_share_the_work_and_a_lone_track_has_both() -> None:
    scene = Scene("left", "right")
    scene.step([at(1, 20.0), at(2, 200.0)])
    assert {scene.scheduler.watched("left"), scene.scheduler.watched("right")} == {1, 2}
    alone = Scene("left", "right")
    assert [cue.track_id for cue in alone.step([at(1, 20.0)])] == [1, 1]


def test_nobody_is_sent_where_he_cannot_look() -> None:
    scene = Scene()
    far = at(1, 10.0, 4000.0)
    overhead = track(2, (1.0, 1.0, 300.0))
    assert scene.step([far, overhead]) == []
    assert [cue.track_id for cue in scene.step([far, overhead, at(3, 90.0)])] == [3]


def test_limits_hold_in_the_axes_of_the_sensors_own_angles() -> None:
    scheduler = CueScheduler()
    narrow = camera(angles="sensor", yaw_rad=math.pi / 2)  # faces east
    fov = FieldOfView(range_m=(5.0, 2000.0), azimuth_rad=(-0.5, 0.5), elevation_rad=(-0.2, 1.2))
    scheduler.add_sensor(msgspec.structs.replace(narrow, field_of_view=fov))
    scheduler.add_head(head())
    assert scheduler.update([at(1, 0.0), at(2, 95.0)], [hull()], [], PERIOD_NS)[0].track_id == 2


def test_a_track_that_has_gone_is_forgotten_and_without_tracks_or_heads_there_is_no_cue() -> None:
    scene = Scene()
    scene.step([at(1, 10.0)])
    assert scene.step([]) == []
    assert scene.scheduler.watched("zoom") is None
    assert CueScheduler().update([at(1, 10.0)], [hull()], [], PERIOD_NS) == []


def test_a_sensor_whose_platform_has_no_pose_is_not_cued() -> None:
    scheduler = CueScheduler()
    scheduler.add_sensor(camera(platform_id="tank_9"))
    scheduler.add_head(head())
    assert scheduler.update([at(1, 10.0)], [hull()], [], PERIOD_NS) == []


def test_there_is_one_cue_a_period_and_head() -> None:
    scene = Scene("left", "right")
    tracks = [at(i, 50.0 * i) for i in range(1, 6)]
    scene.step(tracks)
    assert scene.scheduler.update(tracks, [hull()], [], scene.t_ns + 20 * MS) == []
    assert [cue.sensor_id for cue in scene.step(tracks)] == ["left", "right"]


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(2, 7))
def test_nobody_waits_for_ever(seed: int, count: int) -> None:
    """Whatever the threats are, every track that can be seen is visited.

    Two worths differ at most by 2 * (0.15 + 0.85) / 0.15 in urgency, 1.25 in existence, 1 / 0.23 in what a look tells,
    1.1 in what is in view, 1.3 for staying and 3.2 for the slew of half a turn: 330 in all. A waiting factor of
    1 + t / 0.5 s makes up for it in 165 s; seven in a queue then take 5 s each.
    """
    rng = np.random.default_rng(seed)
    classes = [DRONE, BIRD, {"quadcopter": 0.6, "bird": 0.4}]
    tracks = [
        at(
            i + 1,
            float(rng.uniform(0, 360)),
            float(rng.uniform(400, 2500)),
            sigma_m=float(rng.uniform(0.5, 5.0)),
            existence=float(rng.uniform(0.8, 1.0)),
            class_probabilities=classes[int(rng.integers(3))],
        )
        for i in range(count)
    ]
    scene = Scene(config=CueConfig(revisit_s=0.5))
    scene.step(tracks, (warning(1, 0),))
    assert set(scene.watched(tracks, 2000)) == set(range(1, count + 1))
