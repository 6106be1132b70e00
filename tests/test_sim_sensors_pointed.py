"""Cameras on a head: never faster than the motor, at the target in time, blind while slewing, and honest about it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from benchmarks.validation.sensor_bench import MOUNT_M, MOUNT_RAD, QUIET, at_rest, enu_of, origin, target_type
from messages.frames import azimuth_elevation_range, wrap_pi
from messages.types import SensorCue
from scenarios.catalogue import SECTIONS, changed_entry, shipped
from scenarios.events import SensorStuck
from scenarios.fit import MountedSensor
from scenarios.schema import Environment, Link
from sim.faults import Faults, Window
from sim.randomness import generator
from sim.sensors.factory import build
from sim.sensors.head import PanTiltHead
from sim.sensors.pointed import PointedCamera
from sim.sensors.targets import target_table
from sim.station import Channel, Station

RATE, SETTLE_S, STEP = 1.0, 0.2, 0.01
ROUND = (-math.pi, math.pi)
ANGLES = st.floats(-3.1, 3.1)


def head(azimuth_rad: tuple[float, float] = ROUND, home: tuple[float, float] = (0.0, 0.0)) -> PanTiltHead:
    limits = {"azimuth_rad": azimuth_rad, "elevation_rad": (-0.2, 1.0)}
    return PanTiltHead(home, rate_radps=RATE, settle_s=SETTLE_S, step_rad=STEP, **limits)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.floats(1e-3, 2.0), ANGLES, st.floats(-1.5, 1.5)), min_size=1, max_size=20),
    st.sampled_from([ROUND, (-1.0, 1.0), (2.5, 3.9)]),
)
def test_no_axis_is_ever_faster_than_its_rate_or_outside_its_limits(
    wishes: list[tuple[float, float, float]], azimuth_rad: tuple[float, float]
) -> None:
    h, t_s = head(azimuth_rad, (azimuth_rad[0], 0.0)), 0.0
    for dt_s, azimuth, elevation in wishes:
        before = h.azimuth_rad, h.elevation_rad
        t_s += dt_s
        h.turn(t_s, (azimuth, elevation))
        assert abs(float(wrap_pi(h.azimuth_rad - before[0]))) <= min(RATE * dt_s, math.pi) + 1e-9
        assert abs(h.elevation_rad - before[1]) <= RATE * dt_s + 1e-9
        assert -0.2 - 1e-9 <= h.elevation_rad <= 1.0 + 1e-9
        if azimuth_rad != ROUND:
            assert azimuth_rad[0] - 1e-9 <= h.azimuth_rad <= azimuth_rad[1] + 1e-9


@settings(max_examples=100, deadline=None, derandomize=True)
@given(ANGLES, ANGLES, st.floats(-0.2, 1.0), st.floats(0.01, 0.3))
def test_it_is_at_the_wish_when_the_longer_axis_can_be_and_sees_after_settling(
    start: float, azimuth: float, elevation: float, dt_s: float
) -> None:
    h = head(home=(start, 0.0))
    way = max(abs(float(wrap_pi(azimuth - start))), abs(elevation))
    arrival_s, t_s = way / RATE, 0.0
    while t_s < arrival_s + SETTLE_S + dt_s:
        t_s += dt_s
        h.turn(t_s, (azimuth, elevation))
        left = max(abs(float(wrap_pi(azimuth - h.azimuth_rad))), abs(elevation - h.elevation_rad))
        assert left == pytest.approx(max(way - RATE * t_s, 0.0), abs=1e-9)
        if way > STEP + RATE * dt_s and t_s < arrival_s + SETTLE_S - 1e-9:
            assert not h.good()
    assert left <= 1e-9
    assert h.good()


def test_following_at_a_steady_rate_keeps_the_picture_good() -> None:
    h = head()
    seen = []
    for k in range(1, 100):
        h.turn(0.1 * k, (0.05 * k, 0.0))  # 0.5 rad/s: five steps between two looks
        seen.append(h.good())
    assert all(seen[5:])
    assert h.azimuth_rad == pytest.approx(float(wrap_pi(0.05 * 99)))


def test_a_head_without_ends_turns_the_shorter_way_and_one_with_ends_does_not_cross_them() -> None:
    endless, ended = head(home=(3.0, 0.0)), head((-3.05, 3.05), (3.0, 0.0))
    for h in (endless, ended):
        h.turn(0.3, (-3.0, 0.0))
    assert endless.azimuth_rad == pytest.approx(-3.0)
    assert ended.azimuth_rad == pytest.approx(2.7)


def camera(pan_tilt: dict[str, Any] | None = None, **changes: Any) -> PointedCamera:
    plan = {"search_width_deg": 0.0, **(pan_tilt or {})}
    profile = changed_entry(shipped().sensors["eo_narrow"], {**QUIET, "pan_tilt": plan, **changes}, SECTIONS["sensors"])
    mount = MountedSensor("tank_1_zoom", "tank_1", "tank_1/turret", profile, MOUNT_M, *MOUNT_RAD)
    table = target_table(["target_0"], [target_type("fpv_analogue")], 1)
    model = build(mount, table, Environment(wind_mps=0.0), generator(1, "sensor/tank_1_zoom"))
    assert isinstance(model, PointedCamera)
    return model


def place(azimuth_rad: float, elevation_rad: float = 0.15, range_m: float = 800.0) -> Any:
    """Return a place by its direction in the axes of the mount."""
    return origin() + range_m * enu_of(azimuth_rad, elevation_rad)


def cue_to(position_m: Any, t_s: float = 0.0) -> SensorCue:
    azimuth, elevation, distance = azimuth_elevation_range(np.asarray(position_m) - origin())
    return SensorCue(
        sensor_id="tank_1_zoom",
        t_ns=round(t_s * 1e9),
        track_id=1,
        azimuth_rad=float(azimuth),
        elevation_rad=float(elevation),
        sigma_rad=0.01,
        range_m=float(distance),
    )


def play(model: PointedCamera, world: Any, cues: dict[float, SensorCue], until_s: float) -> list[Any]:
    rng = np.random.default_rng(4)
    seen = []
    for k in range(round(until_s / 0.1)):
        t_s = round(0.1 * (k + 1), 1)
        if t_s in cues:
            model.hear(cues[t_s], t_s)
        seen.append((t_s, model.observe(world, t_s, rng)))
    return seen


def test_it_sees_a_target_off_its_axis_when_cued_and_not_without() -> None:
    there = place(1.2)
    world = at_rest(there)
    without = play(camera(), world, {}, 6.0)
    assert sum(len(o.rows) for _, o in without) == 0
    assert all(o.detection_probability[0] == 0.0 for _, o in without)
    cues = {t: cue_to(there, t) for t in (1.0, 2.0, 3.0, 4.0, 5.0)}
    seen = [t for t, o in play(camera(), world, cues, 6.0) if len(o.rows)]
    # heard at 1.0, obeyed 0.05 s later, 1.2 rad less the home's 0 at 60 degrees a second, and 0.2 s of settling
    arrival_s = 1.05 + 1.2 / math.radians(60.0) + 0.2
    assert min(seen) == pytest.approx(arrival_s, abs=0.1)
    assert len(seen) >= 0.9 * (6.0 - arrival_s) / 0.1


def test_every_look_says_what_it_covered_and_a_slew_covers_no_range() -> None:
    there = place(1.2)
    model = camera()
    world, slews = at_rest(there), 0
    reach = model.description.field_of_view
    for _, seen in play(model, world, {1.0: cue_to(there, 1.0)}, 2.9):
        look = seen.look
        assert look is not None
        width, height = look.azimuth_rad[1] - look.azimuth_rad[0], look.elevation_rad[1] - look.elevation_rad[0]
        tilt = sum(look.elevation_rad) / 2.0
        assert width == pytest.approx(math.radians(3.0) / math.cos(tilt))
        assert height == pytest.approx(math.radians(1.7))
        assert reach.elevation_rad[0] <= look.elevation_rad[0] < look.elevation_rad[1] <= reach.elevation_rad[1]
        inside = look.azimuth_rad[0] <= 1.2 <= look.azimuth_rad[1]
        if look.range_m == (0.0, 0.0):
            slews += 1
            assert len(seen.rows) == 0
        else:
            assert look.range_m == reach.range_m
            assert inside == (seen.detection_probability[0] > 0.0)
    assert slews >= math.floor((1.2 / math.radians(60.0) + 0.2) / 0.1)


def test_a_cue_is_obeyed_after_its_latency_and_no_longer_than_it_holds() -> None:
    there = place(0.8)
    model = camera({"cue_latency_s": 0.5, "cue_hold_s": 2.0})
    pointing = {}
    rng = np.random.default_rng(1)
    for k in range(60):
        t_s = round(0.1 * (k + 1), 1)
        if t_s == 1.0:
            model.hear(cue_to(there, 1.0), t_s)
        model.observe(at_rest(there), t_s, rng)
        pointing[t_s] = model.head.azimuth_rad
    home = pointing[0.1]
    assert pointing[1.5] == pytest.approx(home, abs=1e-9)
    assert pointing[1.6] > home + 0.05
    assert pointing[2.9] == pytest.approx(0.8, abs=1e-3)
    assert pointing[5.0] == pytest.approx(home, abs=1e-9)


def test_an_older_cue_does_not_replace_a_newer_one() -> None:
    model = camera()
    world = at_rest(place(0.5))
    model.hear(cue_to(place(0.5), 1.0), 1.0)
    model.hear(cue_to(place(-0.5), 0.9), 1.0)
    play(model, world, {}, 2.5)
    assert model.head.azimuth_rad == pytest.approx(0.5, abs=1e-3)


def test_without_a_cue_it_searches_its_sector_step_by_step() -> None:
    model = camera({"search_width_deg": 30.0, "search_dwell_s": 0.6})
    seen = play(model, at_rest([0.0, 0.0, 40_000.0]), {}, 40.0)
    covered = [np.degrees(o.look.azimuth_rad) for _, o in seen if o.look.range_m[1] > 0.0]
    for azimuth in np.linspace(-14.9, 14.9, 200):
        assert any(low <= azimuth <= high for low, high in covered), azimuth
    assert max(high for _, high in covered) <= 15.5
    assert min(low for low, _ in covered) >= -15.5


def test_a_staring_sensor_refuses_a_cue() -> None:
    from benchmarks.validation.sensor_bench import sensor

    with pytest.raises(TypeError, match="cannot be pointed"):
        sensor("eo", target_type("fpv_analogue")).hear(cue_to(place(0.0)), 0.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cameras": 2}, "must be 1 with pan_tilt"),
        ({"pan_tilt": {"home_deg": [0.0, 80.0]}}, "must lie inside field_of_view"),
        ({"vfov_deg": 90.0}, "must be at most the height"),
        ({"field_of_view": {"azimuth_deg": [-1.0, 1.0]}}, "must be at most the width"),
    ],
)
def test_a_head_that_does_not_fit_its_camera_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        changed_entry(shipped().sensors["eo_narrow"], changes, SECTIONS["sensors"])


def test_a_stuck_camera_repeats_what_its_last_look_covered() -> None:
    model, world = camera(), at_rest(place(1.2))
    window = Window(round(1.5e9), round(5e9), SensorStuck(kind="sensor_stuck", from_s=1.5, to_s=5.0))
    rng = np.random.default_rng(2)
    channel = Channel("tank_1_zoom", Link(), rng, Faults((window,)))
    station = Station(model, rng, channel, 0, 100_000_000, np.zeros(1))
    model.hear(cue_to(place(1.2), 1.0), 1.0)
    seen = {k: station.look(world, k * 100_000_000) for k in range(1, 30)}
    assert seen[13].look != seen[12].look
    assert {seen[k].look for k in range(14, 30)} == {seen[14].look}
