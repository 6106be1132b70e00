"""Flights from files: flown as they are, through the loader, refused with the row that is wrong; wings that beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scenarios.catalogue import shipped
from scenarios.flight_file import FlightError, read_flight
from scenarios.flightplan import FlightFile
from scenarios.loader import ScenarioError, effective_yaml, load
from sim.randomness import generator
from sim.world import World

TEXT = """\
name: recorded
title: Recorded
description: A flight from a file beside a planned one.
duration_s: 30
environment: {terrain: {seed: 4, size_m: 4000}}
platoon: {count: 1, fit: none}
targets:
  - id: fpv_1
    type: fpv_fibre
    start: {position_m: [0, 900], height_m: 60}
    legs: [{kind: terminal, platform: tank_1}]
flights:
  - {id: racer_1, type: fpv_analogue, file: {path: racer.csv}, start_s: 4, offset_m: [100, 0, 0]}
"""


def circle(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A circle of 80 m at 20 m/s, rising: place and velocity."""
    a = 0.25 * t
    place = np.column_stack([80.0 * np.sin(a), 80.0 * np.cos(a), 40.0 + 0.5 * t])
    return place, np.column_stack([20.0 * np.cos(a), -20.0 * np.sin(a), np.full(len(t), 0.5)])


def csv_text(step_s: float = 0.2, *, up: str = "up_m", velocity: bool = True, until_s: float = 20.0) -> str:
    t = np.arange(0.0, until_s + 1e-9, step_s)
    place, speed = circle(t)
    names = ["time_s", "east_m", "north_m", up, *(("v_east_mps", "v_north_mps", "v_up_mps") if velocity else ())]
    table = np.column_stack([t, place, *([speed] if velocity else [])])
    return "\n".join([",".join(names), *(",".join(f"{x:.9f}" for x in row) for row in table)]) + "\n"


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    (tmp_path / "racer.csv").write_text(csv_text(), encoding="utf-8")
    file = tmp_path / "recorded.yaml"
    file.write_text(TEXT, encoding="utf-8")
    return file


@pytest.mark.parametrize(("step_s", "velocity", "limit_m"), [(0.2, True, 1e-3), (1.0, True, 0.01), (0.2, False, 0.06)])
def test_it_flies_as_the_file_says(scenario_file: Path, step_s: float, velocity: bool, limit_m: float) -> None:
    """A cubic through a circle errs by R (w h)^4 / 384: 1 mm per 80 m at 1 s is 0.8 mm; differences by (w h)^2 / 6."""
    (scenario_file.parent / "racer.csv").write_text(csv_text(step_s, velocity=velocity), encoding="utf-8")
    world = World(load(scenario_file, ["environment.terrain.relief_m=0"]), generator(1, "world"))
    i = world.target_ids.index("racer_1")
    t = np.linspace(4.5, 23.5, 200)
    position, speed, airborne = world.target_track(i, t)
    place, velocity_mps = circle(t - 4.0)
    assert airborne.all()
    assert np.abs(position - place - [100.0, 0.0, 0.0]).max() < limit_m
    assert np.abs(speed - velocity_mps).max() < 0.2
    assert world.threats[i]


def test_it_is_in_the_air_from_the_first_row_to_the_last(scenario_file: Path) -> None:
    world = World(load(scenario_file), generator(1, "world"))
    i = world.target_ids.index("racer_1")
    assert world.target_track(i, np.array([3.9, 4.0, 23.9, 24.1]))[2].tolist() == [False, True, True, False]


def test_heights_over_the_ground_follow_it_and_nothing_flies_below_it(scenario_file: Path) -> None:
    (scenario_file.parent / "racer.csv").write_text(csv_text(up="height_m"), encoding="utf-8")
    relief = ["environment.terrain.relief_m=40", "environment.terrain.correlation_m=150"]
    world = World(load(scenario_file, relief), generator(1, "world"))
    t = np.linspace(4.0, 23.9, 300)
    i = world.target_ids.index("racer_1")
    position = world.target_track(i, t)[0]
    ground = world.terrain.height(position[:, 0], position[:, 1])
    assert np.ptp(ground) > 10.0
    assert np.allclose(position[:, 2] - ground, circle(t - 4.0)[0][:, 2], atol=0.1)
    low = World(load(scenario_file, [*relief, "flights[0].offset_m=[100, 0, -100]"]), generator(1, "world"))
    position = low.target_track(i, t)[0]
    assert np.allclose(position[:, 2] - low.terrain.height(position[:, 0], position[:, 1]), 0.3, atol=0.1)


def test_planned_flights_are_as_they_were_without_it(scenario_file: Path) -> None:
    both = World(load(scenario_file), generator(1, "world"))
    alone = World(load(scenario_file, ["flights=[]"]), generator(1, "world"))
    t = np.linspace(0.0, 30.0, 100)
    assert np.array_equal(both.target_track(0, t)[0], alone.target_track(0, t)[0])


def test_emissions_end_where_the_scenario_says(scenario_file: Path) -> None:
    world = World(load(scenario_file, ["flights[0].silent_after_s=10"]), generator(1, "world"))
    i = world.target_ids.index("racer_1")
    assert [bool(world.targets(t).emitting[i]) for t in (3.0, 5.0, 13.9, 14.1)] == [False, True, True, False]


def test_the_effective_scenario_has_its_hash(scenario_file: Path) -> None:
    text = effective_yaml(load(scenario_file))
    again = scenario_file.with_name("again.yaml")
    again.write_text(text, encoding="utf-8")
    assert "sha256: " in text
    assert effective_yaml(load(again)) == text
    (scenario_file.parent / "racer.csv").write_text(csv_text(0.4), encoding="utf-8")
    with pytest.raises(ScenarioError, match="must be the file with SHA-256"):
        load(again)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("flights[0].id=fpv_1", "flights[0].id = fpv_1: must be unique"),
        ("flights[0].type=fpv_fiber", "did you mean fpv_fibre"),
        ("flights[0].file.path=../racer.csv", "must be a path below the scenario's folder"),
        ("flights[0].file.path=racer.txt", "must end in .csv"),
        ("flights[0].offset_m=[1950, 0, 0]", "must stay on the terrain, within 2000 m of the datum"),
        ("flights[0].start_s=31", "must begin within the scenario's 30 s; it begins at 31 s"),
    ],
)
def test_a_wrong_flight_is_named(scenario_file: Path, override: str, says: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(scenario_file, [override])
    assert says in str(caught.value)


HEAD = "time_s,east_m,north_m,up_m\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must have the columns time_s, east_m, north_m and up_m or height_m"),
        ("time_s,east_m,north_m\n0,0,0\n", "up_m or height_m, has time_s"),
        ("time_s,east_m,north_m,up_m,height_m\n", "must have the columns"),
        (HEAD + "0,0,0,5\n", "must have 2 to 200000 rows, has 1"),
        (HEAD + "0,0,0,5\n1,x,0,5\n", "line 3: east_m = 'x'"),
        (HEAD + "0,0,0,5\n1,0,0\n", "line 3: up_m = ''"),
        (HEAD + "0,0,0,5\n1,nan,0,5\n", "finite numbers: line 3"),
        (HEAD + "0,0,0,5\n\n1,0,0,5\n1,0,0,5\n", "times that rise: line 5: 1 after 1"),
        (HEAD + "0,0,0,5\n1,0,0,5\n2,400,0,5\n", "must fly below 150 m/s: row 3: 400 m/s"),
    ],
)
def test_a_malformed_file_says_what_is_needed(text: str, says: str) -> None:
    with pytest.raises(FlightError) as caught:
        read_flight(text.encode())
    assert says in str(caught.value)


def test_bytes_that_are_no_text_and_a_file_that_was_not_loaded() -> None:
    with pytest.raises(FlightError, match="must be a CSV file in UTF-8"):
        read_flight(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not read: load the scenario"):
        _ = FlightFile(path="x.csv").rows


def test_wings_beat_where_a_bird_flaps_and_are_still_where_it_soars() -> None:
    world = World(load("birds_only"), generator(2, "world"))
    t = np.arange(1.0, world.duration_s, 0.5)
    soared = {i for i, kind in enumerate(world.target_types) if kind.name == "bird_soaring"}
    assert soared
    for i, kind in enumerate(world.target_types):
        beats = world.wing_beat_hz(i, t)[world.target_track(i, t)[2]]
        if kind.name == "bird_flapping":
            assert np.allclose(beats, kind.rotor.revolutions_per_minute / 60.0)
        assert i not in soared or (beats == 0.0).any()
    drone = World(load("crossing_pair"), generator(2, "world"))
    assert not drone.wing_beat_hz(0, t).any()


def test_rotors_and_wings_of_the_catalogue_are_those_of_their_sources() -> None:
    """Blade rates: 172 to 191 Hz of a Mavic (B); beats of birds: up to 10 a second (D); tips slower than sound."""
    for kind in shipped().targets.values():
        rotor, bird = kind.rotor, kind.target_class == "bird"
        turns_hz = rotor.revolutions_per_minute / 60.0
        if bird:
            assert rotor.rotors == 2
            assert 2.0 <= turns_hz <= 10.0, kind.name
        else:
            assert 50.0 <= 2.0 * np.pi * turns_hz * rotor.radius_m <= 260.0, kind.name
            assert rotor.blades in (2, 3)
        if kind.name.endswith("quadcopter"):
            assert 172.0 <= rotor.blades * turns_hz <= 191.0


def test_every_rotor_of_the_catalogue_has_its_grade() -> None:
    import scenarios.catalogue as package

    for file in sorted((Path(package.__path__[0]) / "targets").glob("*.yaml")):
        (line,) = [x for x in file.read_text(encoding="utf-8").splitlines() if x.startswith("rotor:")]
        assert line.partition("#")[2].strip()[:2] in {"A:", "B:", "C:", "D:", "E:", "T:"}, file.name
