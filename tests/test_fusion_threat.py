"""Threat geometry by hand, and the table of alerts."""

import itertools
import math

import pytest
from fusion_scene import pose

from fusion.alerts import NEXT, AlertBook, AlertConfig, IllegalMove, Level, Move, action, wanted_level
from fusion.threat import Threat, ThreatConfig, assess
from messages.types import Track

FPV = {"fpv": 0.97, "bird": 0.01, "unknown": 0.02}
BIRD = {"fpv": 0.02, "bird": 0.97, "unknown": 0.01}


def track(
    position: tuple[float, float, float],
    velocity: tuple[float, float, float],
    classes: dict[str, float] = FPV,
    track_id: int = 1,
    t_s: float = 0.0,
    sigma_m: float = 3.0,
) -> Track:
    covariance = [0.0] * 21
    for k in (0, 6, 11):
        covariance[k] = sigma_m**2
    for k in (15, 18, 20):
        covariance[k] = 1.0
    return Track(
        track_id=track_id,
        t_ns=round(t_s * 1e9),
        status="confirmed",
        existence=0.99,
        state=(*position, *velocity),
        covariance=tuple(covariance),
        class_probabilities=classes,
        model_probabilities=(1.0,),
        sensor_shares={"radar_1": 0.75, "eo_1": 0.25},
    )


def threat(position, velocity, **hull) -> Threat:
    found = assess(track(position, velocity), [pose("tank_1", 0.0, **hull)])
    assert found is not None
    return found


def test_closest_approach_of_a_passing_target_by_hand() -> None:
    t = threat((400.0, 300.0, 0.0), (0.0, -30.0, 0.0))
    assert t.time_to_closest_s == pytest.approx(10.0)
    assert t.distance_at_closest_m == pytest.approx(400.0)
    assert t.closing_mps == pytest.approx(30.0 * 300.0 / 500.0)
    assert t.azimuth_rad == pytest.approx(math.atan2(400.0, 300.0))
    # Position 3 m, velocity 1 m/s, uncorrelated: sqrt(9 + 100).
    assert t.miss_sigma_m == pytest.approx(math.sqrt(109.0))


def test_the_platforms_own_velocity_counts() -> None:
    t = threat((0.0, 600.0, 0.0), (0.0, -20.0, 0.0), velocity_mps=(0.0, 10.0, 0.0))
    assert t.time_to_closest_s == pytest.approx(20.0)
    assert t.distance_at_closest_m == pytest.approx(0.0, abs=1e-9)


def test_the_closest_point_is_never_in_the_past() -> None:
    t = threat((0.0, 500.0, 0.0), (0.0, 20.0, 0.0))
    assert t.time_to_closest_s == 0.0
    assert t.distance_at_closest_m == pytest.approx(500.0)
    assert t.closing_mps < 0.0


@pytest.mark.parametrize(
    ("azimuth_deg", "hull_yaw_deg", "side"),
    [(0, 0, "front"), (40, 0, "front"), (90, 0, "flank"), (-90, 0, "flank"), (180, 0, "rear"), (90, 90, "front"),
     (10, 350, "front"), (200, 100, "flank"), (300, 120, "rear")],
)  # fmt: skip
def test_aspect_is_relative_to_the_hull(azimuth_deg: float, hull_yaw_deg: float, side: str) -> None:
    a = math.radians(azimuth_deg)
    t = threat((800 * math.sin(a), 800 * math.cos(a), 30.0), (0.0, 0.0, 0.0), yaw_rad=math.radians(hull_yaw_deg))
    assert t.aspect == side


def test_a_steep_dive_and_a_target_overhead_come_from_the_top() -> None:
    assert threat((0.0, 500.0, 400.0), (0.0, -30.0, -30.0)).aspect == "top"
    assert threat((0.0, 100.0, 150.0), (5.0, 0.0, 0.0)).aspect == "top"
    assert threat((0.0, 800.0, 60.0), (0.0, -30.0, -2.0)).aspect == "front"
    assert threat((0.0, 500.0, 400.0), (0.0, 30.0, -30.0)).aspect == "front"


def test_priority_ranks_soon_and_near_above_late_and_far_and_birds_lowest() -> None:
    hulls = [pose("tank_1", 0.0)]
    near = assess(track((0.0, 400.0, 0.0), (0.0, -30.0, 0.0)), hulls)
    far = assess(track((0.0, 2500.0, 0.0), (0.0, -30.0, 0.0)), hulls)
    away = assess(track((0.0, 2500.0, 0.0), (0.0, 30.0, 0.0)), hulls)
    bird = assess(track((0.0, 400.0, 0.0), (0.0, -30.0, 0.0), BIRD), hulls)
    assert near is not None
    assert far is not None
    assert away is not None
    assert bird is not None
    assert 1.0 >= near.priority > far.priority > away.priority >= 0.0
    assert bird.priority < 0.1


def test_the_most_threatened_defended_platform_is_named() -> None:
    hulls = [
        pose("tank_1", 0.0, (0, 0, 0)),
        pose("tank_2", 0.0, (300, 0, 0)),
        pose("drone", 0.0, (310, 0, 0), defended=False),
    ]
    found = assess(track((300.0, 600.0, 20.0), (0.0, -30.0, 0.0)), hulls)
    assert found is not None
    assert found.platform_id == "tank_2"
    assert assess(track((0.0, 600.0, 0.0), (0.0, 0.0, 0.0)), [hulls[2]]) is None


@pytest.mark.parametrize(("level", "move"), list(itertools.product(Level, Move)))
def test_every_cell_of_the_alert_table(level: Level, move: Move) -> None:
    impossible = (level, move) in {(Level.NONE, Move.FALL), (Level.WARNING, Move.RISE)}
    if impossible:
        with pytest.raises(IllegalMove, match=level.name):
            action(level, move)
    else:
        assert action(level, move) == NEXT[level, move]
        assert action(level, move) == {Move.RISE: "announce", Move.STAY: "keep", Move.FALL: "lower"}[move]


def drive(book: AlertBook, path, seconds: float, classes=FPV, period_s: float = 0.1) -> list[tuple[float, str]]:
    said = []
    for k in range(round(seconds / period_s)):
        t = k * period_s
        position, velocity = path(t)
        alerts = book.update([track(position, velocity, classes, t_s=t)], [pose("tank_1", t)], round(t * 1e9))
        said += [(t, a.level) for a in alerts]
    return said


def attack(t: float):
    return (0.0, 1500.0 - 30.0 * t, 60.0), (0.0, -30.0, 0.0)


def test_an_attack_rises_to_warning_once_and_early() -> None:
    said = drive(AlertBook(), attack, 45.0)
    assert [level for _, level in said].count("WARNING") == 1
    assert next(t for t, level in said if level == "WARNING") < 2.0


def test_a_bird_on_the_same_path_never_warns() -> None:
    said = drive(AlertBook(), attack, 45.0, BIRD)
    assert {level for _, level in said} <= {"INFO"}


def test_an_undecided_object_never_warns() -> None:
    said = drive(AlertBook(), attack, 45.0, {"fpv": 0.4, "bird": 0.3, "unknown": 0.3})
    assert "WARNING" not in {level for _, level in said}


def test_a_distant_orbit_is_observation_and_a_near_one_a_warning() -> None:
    def orbit(radius: float):
        def path(t: float):
            a = 15.0 * t / radius
            return (radius * math.sin(a), radius * math.cos(a), 150.0), (15.0 * math.cos(a), -15.0 * math.sin(a), 0.0)

        return path

    assert [level for _, level in drive(AlertBook(), orbit(1000.0), 30.0)] == ["CAUTION"]
    assert [level for _, level in drive(AlertBook(), orbit(300.0), 30.0)] == ["WARNING"]


def test_who_stays_in_sight_is_an_observer_after_a_while() -> None:
    def hover(t: float):
        return (300.0, 900.0, 120.0), (0.5, 0.0, 0.0)

    said = drive(AlertBook(), hover, 40.0)
    assert [level for _, level in said] == ["CAUTION", "WARNING"]
    assert 30.0 <= said[1][0] < 32.0
    assert {level for _, level in drive(AlertBook(), hover, 40.0, BIRD)} == {"INFO"}


def test_hysteresis_a_wobbling_approach_warns_once() -> None:
    def wobble(t: float):
        sideways = 9.0 * math.sin(3.0 * t)
        return (0.0, 1500.0 - 25.0 * t, 60.0), (sideways, -25.0, 0.0)

    said = drive(AlertBook(), wobble, 30.0)
    assert [level for _, level in said].count("WARNING") == 1


def test_a_level_stands_for_its_holding_time_and_then_falls() -> None:
    config, book = AlertConfig(), AlertBook()
    for k in range(20):
        book.update([track((0.0, 900.0, 50.0), (0.0, -30.0, 0.0), t_s=k / 10)], [pose("tank_1", k / 10)], k * 10**8)
    assert book.level(1) is Level.WARNING
    away = [track((0.0, 6000.0, 50.0), (0.0, 30.0, 0.0))]
    book.update(away, [pose("tank_1", 2.0)], 2 * 10**9)
    book.update(away, [pose("tank_1", 4.0)], 4 * 10**9)
    assert book.level(1) is Level.WARNING
    book.update(away, [pose("tank_1", 7.0)], round((2.1 + config.hold_s) * 1e9))
    assert book.level(1) is Level.INFO


def test_a_track_that_is_gone_is_forgotten() -> None:
    book = AlertBook()
    drive(book, attack, 5.0)
    book.update([], [pose("tank_1", 60.0)], 60 * 10**9)
    assert book.level(1) is Level.NONE


def test_an_alert_says_why_in_plain_english() -> None:
    book, said = AlertBook(), []
    for k in range(10):
        said += book.update([track((0.0, 900.0, 50.0), (0.0, -30.0, 0.0))], [pose("tank_1", 0.0)], k * 10**8)
    alert = said[-1]
    assert alert.level == "WARNING"
    assert alert.reason == "FPV drone approaching: 901 m, 0 deg, front of tank_1, closest in 30 s"
    assert any("radar_1 75 %" in line for line in alert.evidence)
    assert any("probability 0.97" in line for line in alert.evidence)
    assert alert.platform_id == "tank_1"
    assert [a.alert_id for a in said] == list(range(1, len(said) + 1))


def test_limits_are_wider_for_a_level_that_stands() -> None:
    config = AlertConfig()
    edge = assess(track((0.0, 550.0, 50.0), (8.0, 0.0, 0.0)), [pose("tank_1", 0.0)], ThreatConfig())
    assert edge is not None
    one = track((0.0, 550.0, 50.0), (8.0, 0.0, 0.0))
    assert wanted_level(one, edge, Level.NONE, config) is Level.CAUTION
    assert wanted_level(one, edge, Level.WARNING, config) is Level.WARNING
