"""Registration on whole scenes: something is wrong, nothing is wrong, or nobody could know."""

import math

import numpy as np
import pytest
from registration_scene import Traffic, follow
from scipy.stats import chi2

from fusion.biases import BiasEstimate
from fusion.fixed_lag import FixedLag
from fusion.tracker import Tracker
from messages.types import PlatformPose


@pytest.fixture(scope="module")
def sound() -> tuple[Tracker, float]:
    """The tracker after 60 s in which nothing is wrong, and its RMSE over the last 20 s."""
    return follow(Traffic())


def significant(tracker: Tracker) -> list[BiasEstimate]:
    return [e for e in tracker.registration.report() if e.significant]


@pytest.mark.parametrize(
    ("wrong", "owner", "name", "value"),
    [
        (Traffic(yaw_rad={"tank_2": math.radians(0.5)}), "tank_2", "yaw", math.radians(0.5)),
        (Traffic(yaw_rad={"tank_1": math.radians(-0.6)}), "tank_1", "yaw", math.radians(-0.6)),
        (Traffic(clock_s={"eo_3": 0.03}), "eo_3", "clock", 0.03),
    ],
    ids=["heading", "heading of a radar's vehicle", "clock"],
)
def test_one_wrong_heading_or_clock_is_found_and_undone(
    sound: tuple[Tracker, float], wrong: Traffic, owner: str, name: str, value: float
) -> None:
    tracker, rmse = follow(wrong)
    found = significant(tracker)
    assert [(e.owner, e.name, e.observable) for e in found] == [(owner, name, True)]
    assert abs(found[0].value - value) < 3.0 * found[0].sigma
    assert found[0].sigma < 0.2 * abs(value)
    assert rmse < 1.2 * sound[1]


def test_without_an_error_nothing_is_claimed_and_nothing_gets_worse(sound: tuple[Tracker, float]) -> None:
    tracker, rmse = sound
    assert significant(tracker) == []
    assert abs(rmse / follow(Traffic(), estimate=False)[1] - 1.0) < 0.02


def test_stated_heading_errors_are_estimated_inside_their_sigmas() -> None:
    """Four headings with drawn errors of the stated 0.12 deg: what can be seen (all but their mean) is found.

    Four normalised errors, minus their mean: chi-square of three degrees over four runs, below 0.999 of it. Mounts and
    places have no error here that the model allows for, and the headings do not walk: only this side is sharp. Tracks
    consider stated errors whether they are estimated or not: 1.1 m is left, where 1.5 m were without either.
    """
    sigma, total, before, after = math.radians(0.12), 0.0, 0.0, 0.0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        names = ("tank_1", "tank_2", "tank_3", "tank_4")
        errors = rng.normal(size=4) * sigma
        traffic = Traffic(dict(zip(names, errors, strict=True)), seconds=30.0, yaw_sigma_rad=sigma, seed=seed)
        tracker, rmse = follow(traffic, after_s=15.0)
        after += rmse
        before += follow(traffic, estimate=False, after_s=15.0)[1]
        biases = tracker.registration.biases
        k = [i for i, e in enumerate(tracker.registration.report()) if e.kind == "platform" and e.name == "yaw"]
        centre = np.eye(4)[:3] - 0.25
        off = centre @ (biases.mean[k] - errors)
        total += float(off @ np.linalg.solve(centre @ biases.P[np.ix_(k, k)] @ centre.T, off))
    assert 0.0 < total < chi2.ppf(0.999, 12)
    assert after < 0.95 * before
    assert after / 4.0 < 1.15


def test_one_vehicle_alone_changes_and_claims_nothing() -> None:
    wrong = Traffic({"tank_1": math.radians(0.5)}, vehicles=("tank_1",), seconds=20.0, drones=3)
    with_it, rmse = follow(wrong, after_s=10.0)
    without, same = follow(wrong, estimate=False, after_s=10.0)
    assert with_it.registration.report() == []
    assert rmse == same
    assert with_it.table.columns.x.tobytes() == without.table.columns.x.tobytes()


def test_two_vehicles_cannot_say_which_of_them_is_wrong() -> None:
    """The headings are brought together and their difference is known; which of the two was wrong is not claimed."""
    wrong = Traffic({"tank_1": math.radians(0.5)}, vehicles=("tank_1", "tank_2"), seconds=40.0)
    tracker, _ = follow(wrong, after_s=30.0)
    assert [e for e in significant(tracker) if e.name == "yaw"] == []
    biases = tracker.registration.biases
    k = [i for i, e in enumerate(tracker.registration.report()) if e.kind == "platform" and e.name == "yaw"]
    difference = biases.mean[k[0]] - biases.mean[k[1]]
    sigma = math.sqrt(np.array([1.0, -1.0]) @ biases.P[np.ix_(k, k)] @ np.array([1.0, -1.0]))
    assert abs(difference - math.radians(0.5)) < 3.0 * sigma
    assert sigma < math.radians(0.1)


def test_late_scans_give_the_same_bits() -> None:
    """The estimates are part of the state that a re-run goes back to."""
    items = Traffic({"tank_2": math.radians(0.5)}, {"eo_3": -0.06}, seconds=10.0, drones=3).items()
    rng = np.random.default_rng(3)
    late = [x.t_ns + (int(rng.uniform(0, 8e8)) if not isinstance(x, PlatformPose) else -2 * 10**9) for x in items]
    late[-1] = 10**12
    ends = []
    for order in (range(len(items)), sorted(range(len(items)), key=lambda i: late[i])):
        lag = FixedLag(Tracker())
        for sensor in Traffic().sensors():
            lag.add_sensor(sensor)
        for i in order:
            item = items[i]
            if isinstance(item, PlatformPose):
                lag.set_pose(item)
            else:
                lag.step(item)
        b = lag.tracker.registration.biases
        rows = lag.tracker.table.copy_rows()[2]
        ends.append((lag.reruns, [array.tobytes() for array in (b.mean, b.info, *rows)]))
        assert b.faulty.any()
    assert ends[1][0] > 0
    assert ends[0][1] == ends[1][1]


def test_a_vehicle_whose_detections_reach_no_gate_is_found_too() -> None:
    """A camera of 1 mrad on a vehicle 10 mrad off: ten sigmas, and nothing stated."""
    for seed in range(3):
        traffic = Traffic({"tank_4": math.radians(0.6)}, seconds=10.0, seed=seed)
        tracker, _ = follow(traffic, after_s=8.0)
        (fault,) = significant(tracker)
        assert (fault.owner, fault.name) == ("tank_4", "yaw")
        assert abs(fault.value - math.radians(0.6)) < 3.0 * fault.sigma
