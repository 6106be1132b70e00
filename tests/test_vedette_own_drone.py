"""Whole runs with an own drone: no alarm about it, and one about the same drone if it reports nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from messages.types import Alert, TrackSet
from scenarios.loader import load
from scenarios.schema import Scenario
from sim.randomness import generator
from sim.world import World
from vedette import engagement
from vedette.progress import Progress
from vedette.run_folder import RunPaths, frames

ITS_OWN_M = 60.0  # a track so near to where the drone really is counts as the drone's
SHORT = ("duration_s=24", "platoon.count=1", "platoon.vehicles=[{fit: full}]", "targets[1].start_s=100")


def alerts_near(root: Path, scenario: Scenario, seed: int, target_id: str) -> list[Alert]:
    """Return the alerts of a run whose track is, when it is said, where a target really is."""
    root.mkdir()
    with Progress(scenario.name, scenario.duration_s, quiet=True) as progress:
        engagement.in_process(RunPaths(root), scenario, seed, "numba", progress)
    world = World(scenario, generator(seed, "world"))
    i, places, found = world.target_ids.index(target_id), {}, []
    for _, frame in frames(RunPaths(root).outbound):
        if isinstance(frame.message, TrackSet):
            places.update({track.track_id: np.array(track.state[:3]) for track in frame.message.tracks})
        elif isinstance(frame.message, Alert):
            truth = world.target_track(i, np.array([frame.message.t_ns / 1e9]))[0][0]
            if np.linalg.norm(places[frame.message.track_id] - truth) <= ITS_OWN_M:
                found.append(frame.message)
    return found


@pytest.mark.jit
def test_an_own_drone_that_reports_is_named_and_without_its_report_warned_of(tmp_path: Path) -> None:
    mine = alerts_near(tmp_path / "mine", load("own_eyes", SHORT), 4, "uav_1")
    assert {alert.level for alert in mine} == {"INFO"}
    assert any(alert.reason.startswith("own drone uav_1 in the area") for alert in mine)
    silent = alerts_near(tmp_path / "silent", load("own_eyes", [*SHORT, "targets[0].own=null"]), 4, "uav_1")
    assert "WARNING" in {alert.level for alert in silent}


@pytest.mark.nightly
@pytest.mark.jit
@pytest.mark.parametrize("seed", range(1, 11))
def test_no_alarm_about_the_own_drone_and_one_about_the_attacker(tmp_path: Path, seed: int) -> None:
    scenario = load("own_eyes")
    assert {alert.level for alert in alerts_near(tmp_path / "own", scenario, seed, "uav_1")} == {"INFO"}
    attacker = alerts_near(tmp_path / "attacker", scenario, seed, "fpv_1")
    assert "WARNING" in {alert.level for alert in attacker}
