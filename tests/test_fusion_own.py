"""Own drones: the track that a report explains is theirs, one a report; nobody beside it is spared a warning."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from fusion_scene import pose

from fusion.alerts import AlertBook, AlertConfig, Level
from fusion.own import OwnConfig, OwnForce
from messages.types import PlatformPose, Track

QUAD = {"quadcopter": 0.97, "bird": 0.01, "unknown": 0.02}
PLACE, VELOCITY = (100.0, 200.0, 60.0), (8.0, -6.0, 0.0)


def track(
    offset_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
    velocity: tuple[float, float, float] = VELOCITY,
    track_id: int = 1,
    t_s: float = 10.0,
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
        state=(*(p + o for p, o in zip(PLACE, offset_m, strict=True)), *velocity),
        covariance=tuple(covariance),
        class_probabilities=QUAD,
        model_probabilities=(1.0,),
        sensor_shares={"radar_1": 1.0},
    )


def report(
    name: str = "uav_1", t_s: float = 10.0, place: tuple[float, float, float] = PLACE, **changes: object
) -> PlatformPose:
    fields: dict[str, object] = {"velocity_mps": VELOCITY, "airborne": True, "defended": False, "position_sigma_m": 1.5}
    return pose(name, t_s, place, **(fields | changes))


def own(tracks: list[Track], poses: list[PlatformPose], t_s: float = 10.0) -> dict[int, str]:
    return OwnForce().update(tracks, poses, round(t_s * 1e9))


def test_the_track_at_the_reported_place_and_speed_is_own() -> None:
    assert own([track(), track((40.0, 0.0, 0.0), track_id=2)], [report()]) == {1: "uav_1"}


@pytest.mark.parametrize(
    "changed",
    [
        {"offset_m": (45.0, 0.0, 0.0)},
        {"velocity": (-8.0, 6.0, 0.0)},
        {"velocity": (8.0, -6.0, -25.0)},
        {"offset_m": (0.0, 61.0, 0.0), "sigma_m": 500.0},
    ],
)
def test_what_is_elsewhere_or_flies_otherwise_is_not(changed: dict[str, object]) -> None:
    assert own([track(**changed)], [report()]) == {}  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"airborne": False}, {"t_s": 7.9}, {"t_s": 12.1}])
def test_a_report_on_the_ground_or_of_another_time_says_nothing(changes: dict[str, object]) -> None:
    assert own([track()], [report(**changes)]) == {}  # type: ignore[arg-type]


def test_a_late_report_is_carried_on_to_the_moment() -> None:
    """0.5 s at 10 m/s: 5 m on, from where a report that stood still would be 2 sigma off."""
    moved = track((8.0 * 0.5, -6.0 * 0.5, 0.0), t_s=10.5)
    late = own([moved], [report(t_s=10.0)], 10.5)
    assert late == {1: "uav_1"}
    place, velocity, force = np.array(PLACE), np.array(VELOCITY), OwnForce()
    distances = [force._distance(moved, place + s * velocity, velocity, 1.5, moved.t_ns)[0] for s in (0.5, 0.0)]
    assert distances[0] == pytest.approx(0.0, abs=1e-9)
    assert distances[1] == pytest.approx(25.0 / (9.0 + 1.5**2 + 16.0), rel=1e-6)


def test_one_report_explains_one_track_and_two_reports_two() -> None:
    pair = [track(track_id=1), track((6.0, 0.0, 0.0), track_id=2)]
    assert own(pair, [report()]) == {1: "uav_1"}
    beside = report("uav_2", place=(106.0, 200.0, 60.0))
    assert own(pair, [report(), beside]) == {1: "uav_1", 2: "uav_2"}


def test_a_precise_track_comes_before_a_vague_one() -> None:
    assert own([track((12.0, 0.0, 0.0), sigma_m=40.0), track((2.0, 0.0, 0.0), track_id=2)], [report()]) == {2: "uav_1"}


def test_the_track_of_before_stays_in_a_turn_that_a_new_one_would_not_be_taken_in() -> None:
    force, turning = OwnForce(), track((24.0, 0.0, 0.0), (2.0, -6.0, 0.0))
    assert force.update([turning], [report()], 10_000_000_000) == {}
    assert force.update([track()], [report()], 10_000_000_000) == {1: "uav_1"}
    assert force.update([turning], [report()], 10_000_000_000) == {1: "uav_1"}
    assert force.update([replaced(turning, 2)], [report()], 10_000_000_000) == {}


def replaced(old: Track, track_id: int) -> Track:
    return Track(**{name: getattr(old, name) for name in old.__struct_fields__} | {"track_id": track_id})


def levels(with_report: bool, seconds: float = 40.0) -> tuple[AlertBook, list[str]]:
    """A quadcopter circles 220 m from the vehicle for a while; the book is asked every 0.1 s."""
    book, said = AlertBook(), []
    for k in range(round(seconds * 10)):
        t_s = 10.0 + 0.1 * k
        poses = [pose("tank_1", t_s, defended=True)]
        poses += [report(t_s=t_s)] if with_report else []
        said += [f"{a.level}: {a.reason}" for a in book.update([track(t_s=t_s)], poses, round(t_s * 1e9))]
    return book, said


def test_an_own_drone_is_named_once_and_never_warned_of() -> None:
    book, said = levels(with_report=True)
    assert len(said) == 1
    assert said[0].startswith("INFO: own drone uav_1 in the area: 2")
    assert book.level(1) == Level.INFO


def test_the_same_drone_without_its_report_is_a_warning() -> None:
    book, said = levels(with_report=False)
    assert book.level(1) == Level.WARNING
    assert any(text.startswith("WARNING: quadcopter near") for text in said)


def test_what_flies_beside_an_own_drone_is_warned_of() -> None:
    book = AlertBook()
    for k in range(40):
        t_s = 10.0 + 0.1 * k
        both = [track(t_s=t_s), track((10.0, 5.0, 0.0), track_id=2, t_s=t_s)]
        book.update(both, [pose("tank_1", t_s, defended=True), report(t_s=t_s)], round(t_s * 1e9))
    assert book.level(1) == Level.INFO
    assert book.level(2) == Level.WARNING


def test_a_drone_whose_reports_end_is_a_warning_again() -> None:
    book = AlertBook()
    for k in range(80):
        t_s = 10.0 + 0.1 * k
        poses = [pose("tank_1", t_s, defended=True), report(t_s=min(t_s, 12.0))]
        book.update([track(t_s=t_s)], poses, round(t_s * 1e9))
        # The last report is of 12 s and counts for 2 s; 0.8 s later the warning may rise.
        expected = Level.INFO if t_s < 14.0 + AlertConfig().rise_after_s else Level.WARNING
        if (t_s < 13.9 and t_s > 11.0) or t_s > 15.5:
            assert book.level(1) == expected, t_s


def test_the_gate_is_that_of_chi_square() -> None:
    """Six degrees of freedom, P = 0.999, drawn: true pairs of report and track lie inside it."""
    rng = np.random.default_rng(2)
    c = OwnConfig(position_floor_m=1e-6, velocity_floor_mps=1e-6)
    inside, draws = 0, 4000
    for _ in range(draws):
        error = rng.standard_normal(6)
        moved = track(tuple(3.0 * error[:3]), tuple(np.array(VELOCITY) + error[3:]))  # type: ignore[arg-type]
        inside += bool(OwnForce(c).update([moved], [report(position_sigma_m=0.0)], 10_000_000_000))
    sigma = math.sqrt(0.001 * 0.999 * draws)
    assert abs(inside - 0.999 * draws) <= 4.0 * sigma
    assert replace(c, gate_d2=1.0).gate_d2 == 1.0
