"""The benchmark measures what it says: the scoring of a known trial, ours on small scenes, agreement of the kernels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles import jpda_enumerated
from typer.testing import CliRunner

from benchmarks.core import filter_step, marginals, peers
from benchmarks.core.bench import Options, run_bench
from benchmarks.core.filterpy_step import jacobian, measured
from benchmarks.core.ours import config_for, run_ours
from benchmarks.core.plots import gospa_by_scene, time_against_targets
from benchmarks.core.scenes import make_scene
from benchmarks.core.table import as_text
from benchmarks.core.trial import Row, Trial, collect, figures, table_of, timed_steps, times
from vedette.cli import app

WITHOUT_PEERS = Options(scenes=("spread_50_50", "swarm_10"), scans=30, peers=False, kernels=False)


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    return run_bench(WITHOUT_PEERS, lambda text: None)


def test_a_trial_with_known_errors_scores_what_it_must() -> None:
    """Ten of ten targets, each 3 m off: GOSPA is ``sqrt(10 * 3^2)``; without tracks it is ``sqrt(10 * 50^2 / 2)``."""
    scene = make_scene("swarm_10", scans=5)
    truth = scene.truth
    shift = np.array([3.0, 0.0, 0.0])
    rows = [
        Row(int(truth.t_ns[i]), int(truth.target[i]), tuple(truth.position_m[i] + shift), (0.0,) * 3, (1.0,) * 6)
        for i in range(len(truth.t_ns))
    ]
    last_ns = int(truth.t_ns[-1])
    perfect, none = Trial("t", np.ones(5), table_of(rows), last_ns), Trial("t", np.ones(5), table_of([]), last_ns)
    # A swarm's members may be closer than 3 m to another's shifted track: the assignment can only be cheaper.
    assert figures(perfect, truth)["gospa_m"] <= np.sqrt(90.0) + 1e-9
    assert figures(perfect, truth)["completeness"] == 1.0
    assert figures(none, truth)["gospa_m"] == pytest.approx(np.sqrt(10 * 50.0**2 / 2.0))
    half = figures(perfect, truth, int(truth.instants_ns[1]))
    assert half["gospa_m"] <= np.sqrt(90.0) + 1e-9


def test_the_time_limit_stops_a_trial_and_says_so() -> None:
    steps = [lambda: sum(range(100_000))] * 50
    trial = collect("t", timed_steps(steps, lambda _: []), np.arange(50, dtype=np.int64), limit_s=1e-4)
    assert trial.cut
    assert trial.last_ns == len(trial.step_ms) - 1
    assert len(trial.step_ms) < 50
    assert times(trial)["timed_scans"] == len(trial.step_ms)


def test_ours_tracks_a_spread_scene() -> None:
    scene = make_scene("spread_50_50", scans=30)
    trial, largest = run_ours(scene, limit_s=60.0)
    assert not trial.cut
    assert figures(trial, scene.truth)["completeness"] > 0.5
    assert largest["detections"] > 50


def test_a_large_scene_has_room_for_its_targets() -> None:
    config = config_for(make_scene("spread_1000_1000", scans=2))
    assert config.capacity >= 2000
    assert config.motion.acceleration_intensity == (1.0,)
    assert len(config_for(make_scene("manoeuvring", scans=2)).motion.acceleration_intensity) > 1


def test_a_column_is_tracked_late_and_by_one_kind_alone() -> None:
    scene = make_scene("column_biased", duration_s=3.0)
    fused, _ = run_ours(scene, limit_s=60.0)
    alone, _ = run_ours(scene, limit_s=60.0, kinds=("radar",))
    assert len(fused.step_ms) == len(scene.heard)
    assert len(alone.step_ms) == sum(h.scan.sensor_id == "v1_radar" for h in scene.heard)
    assert alone.tracker == "vedette, radar alone"


def test_the_benchmark_gives_every_part(result: dict[str, Any]) -> None:
    assert [scene["scene"] for scene in result["scenes"]] == ["spread_50_50", "swarm_10"]
    assert [row["targets"] for row in result["growth"]] == [50]
    for scene in result["scenes"]:
        (own,) = scene["trackers"]
        assert {"median_ms", "p99_ms", "max_ms", "gospa_m", "id_switches"} <= set(own)
    text = as_text(result)
    assert "swarm_10 (seed 3)" in text
    assert "vedette" in text


def test_the_plots_are_drawn(result: dict[str, Any], tmp_path: Path) -> None:
    for drawing in (gospa_by_scene(result), time_against_targets(result)):
        drawing.savefig(tmp_path / "plot.png", dpi=50)
        assert (tmp_path / "plot.png").stat().st_size > 1000


def test_the_verb_prints_one_json_object() -> None:
    arguments = ["bench", "core", "--scene", "swarm_10", "--scans", "25", "--no-peers", "--no-kernels", "--json", "-q"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["scenes"][0]["scene"] == "swarm_10"


def test_the_verb_names_an_unknown_scene() -> None:
    done = CliRunner().invoke(app, ["bench", "core", "--scene", "nowhere", "--no-peers", "-q"])
    assert done.exit_code == 2


def test_our_marginals_equal_enumeration() -> None:
    weights = marginals.random_weights(5, np.random.default_rng(1))
    beta, miss = jpda_enumerated.marginals(weights[:, 1:], weights[:, 0])
    assert np.abs(marginals.ours(weights) - np.column_stack([miss, beta])).max() < 1e-12


def test_filterpy_gets_the_right_jacobian() -> None:
    x = np.array([120.0, 340.0, 60.0, 5.0, -12.0, 2.0])
    step = 1e-4 * np.eye(6)
    numeric = np.stack([(measured(x + d) - measured(x - d)) / 2e-4 for d in step], axis=1)
    assert np.abs(numeric - jacobian(x)).max() < 1e-6


def test_our_filter_steps_agree_with_filterpy(result: dict[str, Any]) -> None:
    """The tracker's adds the measurement's curvature to its noise, a small part of a sigma; the lanes' is the same."""
    found = filter_step.compare(np.random.default_rng(2), tracks=40)
    assert found["largest_difference_sigma"] < 0.05
    assert found["lanes_largest_difference_sigma"] < 1e-9
    text = as_text(result | {"filter_step": found})
    assert f"{found['lanes_us']:.3f}" in text
    assert f"{found['lanes_ratio']:.0f} x" in text


@pytest.mark.skipif(not peers.available(), reason="the peers are not installed (make peers)")
def test_peers_run_beside_ours_and_agree_on_marginals() -> None:
    rows = marginals.compare(np.random.default_rng(3), peers.ehm2_marginals(), sizes=(5,))
    assert rows[0]["largest_difference"] < 1e-9
    options = Options(scenes=("swarm_10",), scans=6, kernels=False)
    trackers = run_bench(options, lambda text: None)["scenes"][0]["trackers"]
    assert [entry["tracker"] for entry in trackers[1:]] == peers.peer_names("swarm")
    for entry in trackers[1:]:
        assert entry["scans"] == entry["vedette_same_scans"]["timed_scans"] == 6
        assert entry["gospa_m"] < np.sqrt(10 * 50.0**2 / 2.0)


def test_without_the_peers_ours_alone_is_measured_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "available", lambda: False)
    said: list[str] = []
    found = run_bench(Options(scenes=("swarm_10",), scans=3, kernels=False), said.append)
    assert len(found["scenes"][0]["trackers"]) == 1
    assert any("make peers" in text for text in said)


@pytest.mark.skipif(not peers.available(), reason="the peers are not installed (make peers)")
def test_a_peer_is_stopped_by_its_limit() -> None:
    """A thirtieth of a second is over before the first scans are: whatever was done is kept and marked."""
    trial = peers.run_peer("stone soup gnn", make_scene("swarm_10", scans=40), limit_s=0.03)
    assert trial.cut
    assert len(trial.step_ms) < 40
