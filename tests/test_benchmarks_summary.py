"""Score, summary, sightings, report and batch on a run folder made by hand."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from run_maker import SIGMA_M, fpv, make_run, tank

from benchmarks.approach import closest_approach, defended_tracks, nearest_point
from benchmarks.batch import RunFigures, figures_of, is_late, judge, run_batch, write_batch
from benchmarks.event_record import event_records, event_words
from benchmarks.report import report_html, write_report
from benchmarks.run_folder import RunFolder
from benchmarks.run_summary import summarise, write_summary
from benchmarks.score import score
from benchmarks.sightings import rotations
from benchmarks.truth_table import read_truth, write_truth
from edge_node.tables import TableError
from messages import frames
from messages.types import LatencyLedger
from scenarios.events import Jamming, ScenarioEvent, VehicleLoss
from scenarios.protection import Layer

SUMMARY_KEYS = {
    "files",
    *("scenario", "seed", "duration_s", "gospa_m", "targets", "completeness", "id_switches"),
    *(
        "false_tracks_per_hour",
        "false_alerts_per_hour",
        "nees_inside_95",
        "latency_ms",
        "cued_sensors",
        "detections",
        "tracks_sha256",
    ),
    *("time_budgets", "events"),
}
TARGET_KEYS = {
    *("target_id", "class", "threat", "first_detection_s", "confirmed_s", "first_alert_s", "closest_approach_s"),
    *("closest_approach_m", "closest_platform", "warning_time_s", "first_visibility_s"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunFolder:
    return RunFolder(make_run(tmp_path_factory.mktemp("runs") / "run"))


@pytest.fixture(scope="module")
def alone(run):
    return dict.fromkeys(run.kinds(), run.evaluation)


@pytest.fixture(scope="module")
def summary(run, alone):
    ledger = LatencyLedger(t_ns=0, sensor_id="tank_1_radar", scan=0, stages_ms={"total": 1.5})
    layers = {"tank_1": (Layer("smoke", 20.0), Layer("air_defence", 30.0)), "tank_2": (Layer("smoke", 20.0),)}
    return summarise(run, scenario="hand_made", seed=7, duration_s=60.0, ledgers=[ledger], alone=alone, layers=layers)


def by_id(summary, name):
    return next(target for target in summary["targets"] if target["target_id"] == name)


def test_the_summary_has_the_agreed_keys(summary):
    assert set(summary) == SUMMARY_KEYS
    assert all(set(target) == TARGET_KEYS for target in summary["targets"])
    assert set(summary["gospa_m"]) == {"fused", "radar", "eo", "ir", "acoustic", "rf"}
    assert summary["latency_ms"] == {"total": {"p50": 1.5, "p99": 1.5, "max": 1.5}}
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_the_summary_tells_the_story_of_the_fpv(summary):
    target = by_id(summary, "fpv_1")
    assert (target["class"], target["threat"]) == ("fpv", True)
    assert target["first_visibility_s"] == 5.0
    assert 5.0 <= target["first_detection_s"] < 5.5
    assert target["confirmed_s"] == pytest.approx(8.1)  # rows from 8.03 s on, instants at 10 Hz
    assert target["first_alert_s"] == 9.03
    times = np.arange(5.0, 52.5, 0.001)
    far = [min(float(np.linalg.norm(fpv(t) - tank(i, t))) for i in (1, 2)) for t in times]
    assert target["closest_approach_m"] == pytest.approx(min(far), abs=0.01)
    assert target["closest_approach_s"] == pytest.approx(times[int(np.argmin(far))], abs=0.05)
    assert target["closest_platform"] == "tank_2"
    assert target["warning_time_s"] == pytest.approx(target["closest_approach_s"] - 30.03, abs=1e-3)


def test_the_summary_says_which_layers_had_time(summary):
    """The FPV comes at both tanks, warned of at 30.03 s; the quadcopter stays beyond 300 m, the bird is no threat."""
    pairs = {pair["platform_id"]: pair for pair in summary["time_budgets"]["pairs"]}
    assert [pair["target_id"] for pair in pairs.values()] == ["fpv_1", "fpv_1"]
    times = np.arange(5.0, 52.5, 0.001)
    for i, name in ((1, "tank_1"), (2, "tank_2")):
        closest_s = times[int(np.argmin([float(np.linalg.norm(fpv(t) - tank(i, t))) for t in times]))]
        assert pairs[name]["warning_time_s"] == pytest.approx(closest_s - 30.03, abs=0.05)
    assert [layer["had_time"] for layer in pairs["tank_1"]["layers"]] == [True, False]
    assert pairs["tank_2"]["layers"] == [
        {
            "name": "smoke",
            "needs_s": 20.0,
            "covers": True,
            "margin_s": pytest.approx(pairs["tank_2"]["warning_time_s"] - 20.0, abs=2e-4),
            "had_time": True,
        }
    ]


def test_what_never_happened_is_null(summary):
    assert by_id(summary, "recon_1")["warning_time_s"] is None
    assert by_id(summary, "recon_1")["first_alert_s"] == 9.5
    assert by_id(summary, "bird_1")["threat"] is False


def test_counts_of_the_summary(summary, run):
    assert summary["detections"] == run.detection_counts()
    assert sum(summary["detections"].values()) > 1000
    assert summary["false_tracks_per_hour"] == 0.0
    assert summary["false_alerts_per_hour"] == 60.0  # one alert of a track that is nowhere, in one minute
    assert abs(summary["nees_inside_95"] - 0.95) < 0.04
    assert re.fullmatch("[0-9a-f]{64}", summary["tracks_sha256"])


def test_score_agrees_with_the_summary_and_with_how_the_tracks_were_made(run, summary):
    scores = score(run.path / "tracks.csv", run.path / "truth.csv")
    assert scores["gospa_m"] == pytest.approx(summary["gospa_m"]["fused"], abs=1e-4)
    assert scores["completeness"] == pytest.approx(summary["completeness"], abs=1e-4)
    # tracks lie SIGMA_M from the truth in each coordinate, scored 0.07 s later or just before the next row
    n = round(scores["completeness"] * scores["mean_target_count"] * scores["instants"])
    assert abs(scores["position_rmse_m"] - SIGMA_M * math.sqrt(3.0)) < 6.0 * SIGMA_M / math.sqrt(2.0 * n)
    assert abs(scores["nees_over_3"] - 1.0) < 6.0 * math.sqrt(2.0 / (3.0 * n))
    assert scores["id_switches"] == 0
    assert scores["gospa_m"] <= sum(scores[f"gospa_{part}_m"] for part in ("localisation", "missed", "false"))


def test_score_of_foreign_files_without_velocity_or_covariance(tmp_path):
    (tmp_path / "t.csv").write_text("time_s,track_id,east_m,north_m,up_m\n0,7,3,0,0\n1,7,3,4,0\n")
    (tmp_path / "g.csv").write_text("time_s,target_id,east_m,north_m,up_m\n0,a,0,0,0\n1,a,0,0,0\n1,b,900,0,0\n")
    scores = score(tmp_path / "t.csv", tmp_path / "g.csv", 50.0)
    assert scores["gospa_m"] == pytest.approx((3.0 + math.sqrt(25.0 + 1250.0)) / 2.0)
    assert scores["ospa_m"] == pytest.approx((3.0 + math.sqrt((25.0 + 2500.0) / 2.0)) / 2.0)
    assert scores["completeness"] == pytest.approx(2.0 / 3.0)
    assert scores["position_rmse_m"] == pytest.approx(math.sqrt((9.0 + 25.0) / 2.0))
    assert scores["mean_track_count"] == 1.0
    assert scores["nees_over_3"] is None
    assert scores["nees_inside_95"] is None


def test_score_refuses_a_cutoff_of_zero(run):
    with pytest.raises(TableError, match="cutoff_m = 0: must be > 0"):
        score(run.path / "tracks.csv", run.path / "truth.csv", 0.0)


def test_truth_reads_back_and_marks_the_truth_set(run, tmp_path):
    write_truth(tmp_path / "again.csv", run.truth)
    again = read_truth(tmp_path / "again.csv")
    np.testing.assert_array_equal(again.position_m, run.truth.position_m)
    np.testing.assert_array_equal(again.scored, run.truth.scored)
    assert (run.truth.scored == (run.truth.airborne & (run.truth.best_pd() > 0.05))).all()
    rows = run.truth.rows(0)
    assert not run.truth.scored[rows][0]  # the FPV is on the ground at first
    assert len(run.truth.instants_ns) == 600  # instants without a target count too


def test_sightings_find_the_detections_of_each_target(run):
    """Each target is seen at the modelled rate; clutter falls into a gate only seldom."""
    seen = run.sightings["tank_1_radar"]
    truth = run.truth
    for target in range(3):
        rows = truth.rows(target)
        expected = float(truth.pd["tank_1_radar"][rows].sum())  # a look each instant
        assert abs(int((seen.target == target).sum()) - expected) < 5.0 * math.sqrt(expected) * 0.5 + 0.02 * expected
    assert set(run.sightings["tank_2_rf"].target.tolist()) <= {-1, 0, 1}  # birds emit nothing


def test_an_acoustic_detection_is_compared_with_where_the_sound_came_from(run):
    seen = run.sightings["tank_1_acoustic"]
    heard = int((seen.target == 0).sum())
    pd = run.truth.pd["tank_1_acoustic"][run.truth.rows(0)]
    assert heard >= 0.8 * float(pd.sum()) / 5.0  # a look each 0.5 s, truth each 0.1 s


def test_rotations_are_those_of_the_frames():
    rng = np.random.default_rng(1)
    yaw, pitch, roll = rng.uniform(-3.0, 3.0, (3, 20))
    expected = [frames.parent_from_body(*angles) for angles in zip(yaw, pitch, roll, strict=True)]
    np.testing.assert_allclose(rotations(yaw, pitch, roll), expected, atol=1e-15)


def test_the_nearest_point_lies_between_the_samples():
    time_s, offset = np.array([0.0, 1.0, 2.0]), np.array([[-10.0, 3.0, 0], [10.0, 3.0, 0], [30.0, 3.0, 0]])
    assert nearest_point(time_s, offset) == (pytest.approx(0.5), pytest.approx(3.0))
    assert nearest_point(time_s[:1], offset[:1]) == (0.0, pytest.approx(math.sqrt(109.0)))


def test_a_target_that_never_flies_comes_nowhere_near(run):
    grounded = replace(run.truth, airborne=np.zeros_like(run.truth.airborne))
    assert closest_approach(grounded, 0, defended_tracks(run.platforms)) is None


@pytest.fixture(scope="module")
def page(run, summary, alone, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, run, summary | {"scenario": "<script>"}, alone)
    return path.read_text()


def test_the_report_is_one_offline_page(page):
    assert re.findall(r'(?:src|href)="(?!data:)[^"]*"', page) == []
    words = re.sub(r'src="data:[^"]*"', "", page)
    assert "http" not in words
    assert "<script>" not in words
    assert page.count("<img ") == 6
    for word in ("fpv_1", "Warnings", "Who saw what, when", "Time for protection", "21.6 s", "&lt;script&gt;"):
        assert word in words


def test_the_report_of_the_same_run_is_the_same_bytes(run, summary, alone, page):
    assert report_html(RunFolder(run.path), summary | {"scenario": "<script>"}, alone) == page


def test_a_report_without_tracks_alerts_and_kinds_still_draws(run, tmp_path):
    for name in ("truth.csv", "poses.csv", "sensors.yaml", "detections.csv", "truth_platforms.csv"):
        (tmp_path / name).write_bytes((run.path / name).read_bytes())
    for name in ("tracks.csv", "alerts.csv"):
        (tmp_path / name).write_text((run.path / name).read_text().splitlines()[0] + "\n")
    empty = RunFolder(tmp_path)
    summary = summarise(empty, scenario="quiet", seed=1, alone={})
    assert summary["completeness"] == 0.0
    assert summary["nees_inside_95"] is None
    assert "warned of 0 of 2 threats" in report_html(empty, summary, {})


def test_the_report_of_a_run_cut_off_before_the_first_pose_still_draws(run, tmp_path):
    (tmp_path / "sensors.yaml").write_bytes((run.path / "sensors.yaml").read_bytes())
    for name in ("truth.csv", "poses.csv", "detections.csv", "truth_platforms.csv", "tracks.csv", "alerts.csv"):
        (tmp_path / name).write_text((run.path / name).read_text().splitlines()[0] + "\n")
    cut = RunFolder(tmp_path)
    assert "<html" in report_html(cut, summarise(cut, scenario="cut", seed=1, alone={}), {})


def struck() -> list[tuple[ScenarioEvent, tuple[str, ...]]]:
    """Return two events, the later one first; one lasts until the end."""
    jamming = Jamming(kind="jamming", from_s=12.0, to_s=20.0, sensor_kinds=("rf",), jamming_db=20.0, band_hz=(1e9, 3e9))
    lost = VehicleLoss(kind="vehicle_loss", from_s=5.0, vehicles=("tank_2",))
    return [(jamming, ("tank_1_rf",)), (lost, ("tank_2", "tank_2_radar"))]


def test_events_stand_in_the_summary_by_time_with_whom_they_strike(run, alone, summary):
    assert summary["events"] == []
    events = summarise(run, scenario="hand_made", seed=7, duration_s=60.0, alone=alone, events=struck())["events"]
    assert events == [
        {"kind": "vehicle_loss", "from_s": 5.0, "to_s": 60.0, "strikes": ["tank_2", "tank_2_radar"]},
        {"kind": "jamming", "from_s": 12.0, "to_s": 20.0, "strikes": ["tank_1_rf"]}
        | {"jamming_db": 20.0, "band_hz": [1e9, 3e9]},
    ]
    assert [event_words(e) for e in events] == ["vehicle loss", "jamming: +20 dB of noise, 1000 to 3000 MHz"]


def test_the_report_lists_events_only_where_there_are_some(run, alone, summary, page):
    assert "Faults and deception" not in page
    told = report_html(run, summary | {"events": event_records(struck(), 60.0)}, alone)
    words = re.sub(r'src="data:[^"]*"', "", told)
    assert "<td>1</td><td>vehicle loss</td><td>5.0 s</td><td>60.0 s</td><td>tank_2, tank_2_radar</td>" in words
    assert words.count("<img ") == 6


def test_figures_of_a_run(run, summary):
    write_summary(run.path / "summary.json", summary)
    figures = figures_of("hand_made", 7, run.path)
    assert (figures.threats, figures.late_threats, figures.warnings) == (2, (), 2)
    assert figures.in_time
    assert figures.fused_is_best  # here each kind alone is the fused tracks again
    assert figures.quiet is None
    assert figures.nees_over_3 == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(
    ("visible", "confirmed", "closest", "late"),
    [
        (10.0, 20.0, 30.0, False),
        (10.0, 20.1, 30.0, True),
        (10.0, None, 30.0, True),
        (None, None, 30.0, False),
        (30.0, None, 10.0, False),
    ],
)
def test_late_means_after_half_the_time_to_closest_approach(visible, confirmed, closest, late):
    target = {"first_visibility_s": visible, "confirmed_s": confirmed, "closest_approach_s": closest}
    assert is_late(target) is late


def threat_run(seed: int, **changes) -> RunFigures:
    good = RunFigures(
        "s", seed, threats=1, fused_gospa_m=9.0, best_kind="radar", best_kind_gospa_m=9.0, nees_over_3=1.0
    )
    return replace(good, **changes)


def test_eighteen_of_twenty_pass_and_seventeen_fail():
    for n_late, passed in ((2, True), (3, False)):
        runs = [threat_run(k, late_threats=("x",) if k < n_late else ()) for k in range(20)]
        criteria = {c.name: c for c in judge("s", runs).criteria}
        in_time = criteria["threats confirmed in time"]
        assert (in_time.result, in_time.limit, in_time.passed) == (f"{20 - n_late} of 20", ">= 18", passed)
        assert "no WARNING without a threat" not in criteria


def test_birds_only_are_judged_by_their_silence():
    runs = [RunFigures("birds", k, warnings=3 if k == 4 else 0, nees_over_3=2.0) for k in range(10)]
    criteria = {c.name: (c.result, c.passed) for c in judge("birds", runs).criteria}
    assert criteria == {
        "runs finished": ("10 of 10", True),
        "no WARNING without a threat": ("9 of 10", True),
    }


def test_consistency_is_judged_where_there_is_a_threat():
    for value, passed in ((0.69, False), (0.71, True), (1.39, True), (1.41, False)):
        criteria = {c.name: c for c in judge("s", [threat_run(k, nees_over_3=value) for k in range(20)]).criteria}
        assert criteria["mean NEES / 3"].passed is passed


def test_few_seeds_know_the_promised_mean_only_to_their_sampling_error():
    # 2 * 0.15 * sqrt(1/2 - 1/20) = 0.20 beyond the limits of twenty seeds
    for value, passed in ((0.49, False), (0.51, True), (1.59, True), (1.61, False)):
        criteria = {c.name: c for c in judge("s", [threat_run(k, nees_over_3=value) for k in range(2)]).criteria}
        assert criteria["mean NEES / 3"].passed is passed


def test_a_batch_runs_all_and_names_the_runs_that_failed(run, tmp_path):
    def runner(scenario: str, seed: int) -> Path:
        if seed == 2:
            raise RuntimeError("node process ended with code 1")
        return run.path

    seen: list[int] = []
    batch = run_batch(["hand_made"], [1, 2], runner, jobs=2, progress=lambda figures: seen.append(figures.seed))
    assert sorted(seen) == [1, 2]
    assert not batch.passed
    write_batch(tmp_path, batch)
    assert json.loads((tmp_path / "batch.json").read_text())["passed"] is False
    text = (tmp_path / "batch.txt").read_text()
    assert re.search(r"runs finished +1 of 2 +>= 2 +FAILED", text)
    assert "hand_made seed 2: run failed: RuntimeError: node process ended with code 1" in text
    assert re.search(r"threats confirmed in time +1 of 1 +>= 1 +ok", text)
