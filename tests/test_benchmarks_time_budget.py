"""Time budgets: hand-computed margins, sides and counts of pairs of a platform and a threat that comes near."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.approach import defended_tracks
from benchmarks.budget_words import counts_by_aspect, layer_words, tightest
from benchmarks.plot_budget import PAIRS_MAX, draw_budgets
from benchmarks.time_budget import NEAR_M, layer_budget, run_in_aspect, time_budgets
from benchmarks.truth_table import TruthTable, truth_table
from messages.truth import TruthSet, TruthState
from messages.types import PlatformPose
from scenarios.protection import Layer

NS = 1_000_000_000
COVER, SMOKE = Layer("take_cover", 8.0), Layer("smoke", 6.0, ("front", "flank", "rear"))
END_S = 20


def pose(name: str, place: tuple[float, float, float] = (0.0, 0.0, 0.0), yaw_deg: float = 0.0) -> list[PlatformPose]:
    """A platform that stands from 0 s to the end."""
    yaw = math.radians(yaw_deg)
    return [
        PlatformPose(platform_id=name, t_ns=t * NS, position_m=place, yaw_rad=yaw, defended=True) for t in (0, END_S)
    ]


def flight(**lines: tuple[tuple[float, float, float], tuple[float, float, float]]) -> TruthTable:
    """Targets in straight flight: where at 0 s, velocity; a row a second until the end."""
    sets = []
    for t in range(END_S + 1):
        states = [
            TruthState(
                target_id=name,
                target_class="fpv",
                threat=True,
                airborne=True,
                position_m=tuple(p + v * t for p, v in zip(start, velocity, strict=True)),
                velocity_mps=velocity,
                detection_probability={},
            )
            for name, (start, velocity) in lines.items()
        ]
        sets.append(TruthSet(t_ns=t * NS, targets=states, platforms=()))
    return truth_table(sets)


# 20 m/s from the north along the platform's nose: at tank_1 (origin) at 15 s, 10 m up; abeam of tank_2 100 m further
NORTH = flight(fpv_1=((0.0, 300.0, 10.0), (0.0, -20.0, 0.0)))
TWO = {"tank_1": pose("tank_1"), "tank_2": pose("tank_2", (50.0, -100.0, 0.0))}


def layer_of(pair: dict, name: str) -> dict:
    return next(layer for layer in pair["layers"] if layer["name"] == name)


def test_the_margin_is_the_warning_time_less_the_need():
    budgets = time_budgets(NORTH, [0], {0: 8.0}, {"tank_1": pose("tank_1")}, {"tank_1": (SMOKE, COVER)})
    (pair,) = budgets["pairs"]
    assert (pair["platform_id"], pair["target_id"], pair["aspect"]) == ("tank_1", "fpv_1", "front")
    assert (pair["closest_approach_s"], pair["closest_approach_m"]) == (pytest.approx(15.0), pytest.approx(10.0))
    assert pair["warning_time_s"] == pytest.approx(7.0)
    smoke, cover = layer_of(pair, "smoke"), layer_of(pair, "take_cover")
    assert (smoke["needs_s"], smoke["covers"], smoke["had_time"]) == (6.0, True, True)
    assert smoke["margin_s"] == pytest.approx(1.0)
    assert (cover["needs_s"], cover["covers"], cover["had_time"]) == (8.0, True, False)
    assert cover["margin_s"] == pytest.approx(-1.0)


def test_a_layer_that_is_ready_to_the_instant_had_time():
    assert layer_budget(SMOKE, "rear", 6.0)["had_time"] is True
    assert layer_budget(SMOKE, "rear", 5.999)["had_time"] is False


def test_without_a_warning_no_layer_had_time():
    instant = Layer("instant", 0.0)
    for warned_s in ({}, {0: None}):
        budgets = time_budgets(NORTH, [0], warned_s, {"tank_1": pose("tank_1")}, {"tank_1": (COVER, instant)})
        (pair,) = budgets["pairs"]
        assert pair["warning_time_s"] is None
        assert [(layer["margin_s"], layer["had_time"]) for layer in pair["layers"]] == [(None, False)] * 2


def test_a_warning_after_the_closest_approach_is_too_late_for_a_layer_that_needs_nothing():
    layers = {"tank_1": (Layer("instant", 0.0), COVER)}
    (pair,) = time_budgets(NORTH, [0], {0: 17.5}, {"tank_1": pose("tank_1")}, layers)["pairs"]
    assert pair["warning_time_s"] == pytest.approx(-2.5)
    assert [layer["margin_s"] for layer in pair["layers"]] == [pytest.approx(-2.5), pytest.approx(-10.5)]
    assert [layer["had_time"] for layer in pair["layers"]] == [False, False]


def test_each_platform_has_its_own_approach_and_its_own_layers():
    """Abeam of tank_2 at 20 s: 5 s later than at tank_1, and only its own layer is asked."""
    layers = {"tank_1": (COVER,), "tank_2": (Layer("drill", 11.0),)}
    first, second = time_budgets(NORTH, [0], {0: 8.0}, TWO, layers)["pairs"]
    assert (first["platform_id"], second["platform_id"]) == ("tank_1", "tank_2")
    assert second["closest_approach_s"] == pytest.approx(20.0)
    assert second["closest_approach_m"] == pytest.approx(math.hypot(50.0, 10.0))
    assert [layer["name"] for layer in second["layers"]] == ["drill"]
    assert second["layers"][0]["margin_s"] == pytest.approx(1.0)
    assert second["layers"][0]["had_time"] is True


def test_a_platform_without_layers_is_listed_with_none():
    (pair,) = time_budgets(NORTH, [0], {0: 8.0}, {"tank_1": pose("tank_1")}, {})["pairs"]
    assert pair["layers"] == []


def test_a_threat_that_passes_far_away_makes_no_pair():
    for aside_m, n in ((NEAR_M - 1.0, 1), (NEAR_M + 1.0, 0)):
        truth = flight(fpv_1=((aside_m, 300.0, 0.0), (0.0, -20.0, 0.0)))
        budgets = time_budgets(truth, [0], {0: 1.0}, {"tank_1": pose("tank_1")}, {"tank_1": (COVER,)})
        assert len(budgets["pairs"]) == n
        assert budgets["near_m"] == NEAR_M


def test_only_the_targets_that_are_named_as_threats_are_asked():
    truth = flight(bird_1=((0.0, 300.0, 10.0), (0.0, -20.0, 0.0)), fpv_1=((0.0, -300.0, 10.0), (0.0, 20.0, 0.0)))
    budgets = time_budgets(truth, [truth.target_ids.index("fpv_1")], {}, {"tank_1": pose("tank_1")}, {})
    assert [pair["target_id"] for pair in budgets["pairs"]] == ["fpv_1"]


@pytest.mark.parametrize(
    ("yaw_deg", "aspect"),
    [
        *((0.0, "front"), (44.0, "front"), (350.0, "front"), (46.0, "flank"), (90.0, "flank"), (-90.0, "flank")),
        *((134.0, "flank"), (136.0, "rear"), (180.0, "rear")),
    ],
)
def test_the_side_is_that_of_the_hull_on_the_run_in(yaw_deg: float, aspect: str):
    """Azimuth 0 (north) against a hull turned by yaw: quarters of 45 degrees to each side of bow and stern."""
    assert run_in_aspect(NORTH, 0, pose("tank_1", yaw_deg=yaw_deg), 15.0) == aspect


def test_a_steep_dive_comes_from_the_top():
    """45 degrees down is steeper than the 35 of the rule; at the aim point itself the offset would say nothing."""
    truth = flight(lm_1=((0.0, 300.0, 300.0), (0.0, -20.0, -20.0)))
    budgets = time_budgets(truth, [0], {0: 0.0}, {"tank_1": pose("tank_1")}, {"tank_1": (SMOKE, COVER)})
    (pair,) = budgets["pairs"]
    assert pair["aspect"] == "top"
    smoke = layer_of(pair, "smoke")
    assert (smoke["covers"], smoke["margin_s"], smoke["had_time"]) == (False, pytest.approx(9.0), False)
    assert layer_of(pair, "take_cover")["had_time"] is True


def test_a_hull_that_turns_through_north_is_not_taken_for_its_opposite():
    """Yaw from 350 to 10 degrees passes 0, not 180."""
    turning = [
        PlatformPose(platform_id="tank_1", t_ns=t * NS, position_m=(0.0, 0.0, 0.0), yaw_rad=math.radians(yaw))
        for t, yaw in ((0, 350.0), (END_S, 10.0))
    ]
    assert run_in_aspect(NORTH, 0, turning, 15.0) == "front"


def test_an_unknown_velocity_leaves_the_side_to_the_place():
    unknown = replace(NORTH, velocity_mps=np.full_like(NORTH.velocity_mps, np.nan))
    assert run_in_aspect(unknown, 0, pose("tank_1"), 15.0) == "front"


def test_a_target_that_takes_off_within_the_run_in_is_seen_where_it_took_off():
    late = replace(NORTH, airborne=NORTH.t_ns >= 14 * NS)
    assert run_in_aspect(late, 0, pose("tank_1"), 15.0) == "front"  # 20 m before, 10 m up: 27 degrees


def counted() -> dict:
    """Two threats from the front, warned of 7 and 1 s before, and one from above, warned of 9 s before."""
    truth = flight(
        fpv_1=((0.0, 300.0, 10.0), (0.0, -20.0, 0.0)),
        fpv_2=((0.0, 300.0, 10.0), (0.0, -20.0, 0.0)),
        lm_1=((0.0, 300.0, 300.0), (0.0, -20.0, -20.0)),
    )
    names = truth.target_ids
    warned_s = {names.index("fpv_1"): 8.0, names.index("fpv_2"): 14.0, names.index("lm_1"): 6.0}
    return time_budgets(truth, range(3), warned_s, {"tank_1": pose("tank_1")}, {"tank_1": (SMOKE, COVER)})


def test_pairs_are_counted_by_side():
    counts = counted()["by_aspect"]
    assert {aspect: own["pairs"] for aspect, own in counts.items()} == {"front": 2, "flank": 0, "rear": 0, "top": 1}
    assert counts["front"]["layers"] == {
        "smoke": {"covers": 2, "had_time": 1},
        "take_cover": {"covers": 2, "had_time": 0},
    }
    assert counts["top"]["layers"] == {
        "smoke": {"covers": 0, "had_time": 0},
        "take_cover": {"covers": 1, "had_time": 1},
    }
    assert counts["rear"]["layers"] == {}


def test_counts_in_words():
    assert counts_by_aspect(counted(), ["front", "top"]) == {
        "smoke": ["1 of 2", "-"],
        "take_cover": ["0 of 2", "1 of 1"],
    }
    assert layer_words({"name": "take_cover", "needs_s": 8.0}) == "take cover 8 s"


def test_the_tightest_pairs_come_first_and_those_without_a_warning_before_them():
    pairs = [{"warning_time_s": value} for value in (4.0, None, -1.0, 9.0)]
    assert [pair["warning_time_s"] for pair in tightest(pairs, 3)] == [None, -1.0, 4.0]


def test_the_picture_has_a_bar_for_each_warning_and_layer_and_shows_the_tightest_only():
    budgets = counted()
    (axes,) = draw_budgets(budgets).axes
    assert len(axes.patches) == 3 * (1 + 2)
    many = budgets | {"pairs": budgets["pairs"] * 5}
    (axes,) = draw_budgets(many).axes
    assert len(axes.patches) == PAIRS_MAX * 3


def test_the_platforms_are_the_defended_ones():
    poses = [*pose("tank_1"), PlatformPose(platform_id="tank_1/turret", t_ns=0, position_m=(0, 0, 0), yaw_rad=0.0)]
    assert list(defended_tracks(poses)) == ["tank_1"]
