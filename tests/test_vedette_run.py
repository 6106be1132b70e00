"""The run verb from the outside: what it writes, what it promises about repetition, how it ends."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vedette.batch import parse_seeds
from vedette.errors import InputError
from vedette.run import RunOptions, run
from vedette.summary_table import print_summary

# Ten seconds with the bird in sight of radars and cameras from the start: tracks, detections and alerts are there.
SHORT = ("duration_s=10",)
FILES = [
    "engagement.mcap",
    "tracks.csv",
    "truth.csv",
    "detections.csv",
    "sensors.yaml",
    "poses.csv",
    "alerts.csv",
    "summary.json",
    "report.html",
    "scenario.yaml",
    "inbound.journal",
    "outbound.journal",
    "truth.journal",
]
KEYS = [
    "scenario",
    "seed",
    "duration_s",
    "gospa_m",
    "targets",
    "completeness",
    "id_switches",
    "false_tracks_per_hour",
    "false_alerts_per_hour",
    "nees_inside_95",
    "latency_ms",
    "cued_sensors",
    "detections",
    "tracks_sha256",
    "time_budgets",
    "events",
]
TARGET_KEYS = [
    "target_id",
    "class",
    "threat",
    "first_detection_s",
    "confirmed_s",
    "first_alert_s",
    "closest_approach_s",
    "closest_approach_m",
    "closest_platform",
    "warning_time_s",
]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from vedette.cli import main; main()", *arguments]


def run_short(out: Path, **options: object) -> dict[str, object]:
    chosen = {"in_process": True, "recording": False, "report": False, **options}
    return run(RunOptions("fpv_treeline", 7, out, overrides=SHORT, quiet=True, **chosen))[1]  # type: ignore[arg-type]


def _burn() -> None:
    while True:
        pass


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two processes over ZeroMQ with everything that it writes."""
    out = tmp_path_factory.mktemp("runs") / "reference"
    run_short(out, in_process=False, recording=True, report=True)
    return out


def test_a_run_folder_holds_everything(reference: Path) -> None:
    assert {path.name for path in reference.iterdir()} >= set(FILES)
    summary = json.loads((reference / "summary.json").read_text())
    assert set(KEYS) <= set(summary)
    assert set(summary["gospa_m"]) == {"fused", "radar", "eo", "ir", "acoustic", "rf"}
    assert summary["targets"]
    for target in summary["targets"]:
        assert set(TARGET_KEYS) <= set(target)
    assert summary["tracks_sha256"] == hashlib.sha256((reference / "tracks.csv").read_bytes()).hexdigest()
    assert sum(summary["detections"].values()) > 0
    assert len((reference / "tracks.csv").read_text().splitlines()) > 10
    assert not list(reference.glob("*.sock")), "socket files of an ended node are left behind"


def test_the_report_asks_the_network_for_nothing(reference: Path) -> None:
    page = (reference / "report.html").read_text()
    assert "<img" in page or "<svg" in page
    assert not [word for word in ('src="http', 'href="http', "url(http", "@import") if word in page]


def test_in_process_gives_the_same_bits_as_two_processes(reference: Path, tmp_path: Path) -> None:
    run_short(tmp_path / "one")
    assert (tmp_path / "one/tracks.csv").read_bytes() == (reference / "tracks.csv").read_bytes()


def test_the_same_seed_gives_the_same_bits_while_both_cores_are_loaded(reference: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    loads = [context.Process(target=_burn, daemon=True) for _ in range(2)]
    for load in loads:
        load.start()
    try:
        run_short(tmp_path / "loaded", in_process=False)
    finally:
        for load in loads:
            load.kill()
            load.join()
    assert (tmp_path / "loaded/tracks.csv").read_bytes() == (reference / "tracks.csv").read_bytes()


def test_another_seed_gives_other_bits(reference: Path, tmp_path: Path) -> None:
    options = RunOptions(
        "fpv_treeline",
        8,
        tmp_path / "other",
        overrides=SHORT,
        quiet=True,
        in_process=True,
        recording=False,
        report=False,
    )
    run(options)
    assert (tmp_path / "other/tracks.csv").read_bytes() != (reference / "tracks.csv").read_bytes()


def test_an_event_changes_no_detection_before_it_and_stands_in_the_summary(reference: Path, tmp_path: Path) -> None:
    event = "events=[{kind: sensor_loss, from_s: 6, sensor_kinds: [radar]}]"
    options = RunOptions(
        "fpv_treeline",
        7,
        tmp_path / "lost",
        overrides=(*SHORT, event),
        quiet=True,
        in_process=True,
        recording=False,
        report=False,
    )
    summary = run(options)[1]
    (record,) = summary["events"]
    assert (record["kind"], record["from_s"], record["to_s"]) == ("sensor_loss", 6.0, 10.0)
    silent = set(record["strikes"])

    def lines(folder: Path) -> list[list[str]]:
        return [line.split(",") for line in (folder / "detections.csv").read_text().splitlines()[1:]]

    def kept(line: list[str]) -> bool:
        return float(line[0]) < 6.0 or line[2] not in silent

    assert all(sensor_id.endswith("_radar") for sensor_id in silent)
    assert lines(tmp_path / "lost") == [line for line in lines(reference) if kept(line)]
    assert not all(kept(line) for line in lines(reference))


def test_replay_says_that_the_tracks_are_the_same_bits(reference: Path) -> None:
    done = subprocess.run(command("replay", str(reference), "-q"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "bit-identical" in done.stdout


def test_the_written_scenario_runs_again_to_the_same_bits(reference: Path, tmp_path: Path) -> None:
    options = RunOptions(
        str(reference / "scenario.yaml"),
        7,
        tmp_path / "again",
        quiet=True,
        in_process=True,
        recording=False,
        report=False,
    )
    run(options)
    assert (tmp_path / "again/tracks.csv").read_bytes() == (reference / "tracks.csv").read_bytes()


def test_ctrl_c_ends_every_process_and_keeps_the_recording_readable(tmp_path: Path) -> None:
    out = tmp_path / "cut"
    with subprocess.Popen(
        command("run", "fpv_treeline", "--speed", "1", "--out", str(out)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        journal = out / "inbound.journal"
        deadline = time.monotonic() + 120.0
        while not (journal.is_file() and journal.stat().st_size > 200_000):
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline, "nothing was recorded"
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        printed = process.communicate(timeout=300)
    assert process.returncode == 1, printed
    assert b"GOSPA" in printed[0], printed
    assert b"interrupted" in printed[1]
    summary = json.loads((out / "summary.json").read_text())
    assert 0.0 < summary["duration_s"] < 60.0
    still_there = subprocess.run(["pgrep", "-f", str(out)], capture_output=True, check=False)
    assert still_there.returncode == 1, "a process of the run outlived it"


def test_a_cut_off_run_is_recovered(reference: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    cut.mkdir()
    for name in ("inbound.journal", "outbound.journal", "truth.journal"):
        data = (reference / name).read_bytes()
        (cut / name).write_bytes(data[: len(data) * 2 // 3 - 11])
    done = subprocess.run(command("recover", str(cut)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "bytes lost" in done.stdout
    assert (cut / "engagement.mcap").stat().st_size > 1000
    whole = (reference / "tracks.csv").read_text().splitlines()
    kept = (cut / "tracks.csv").read_text().splitlines()
    assert 10 < len(kept) < len(whole)
    assert kept == whole[: len(kept)]


@pytest.mark.parametrize(("text", "seeds"), [("1-3", (1, 2, 3)), ("5", (5,)), ("1,5-6,5", (1, 5, 6))])
def test_seeds_are_numbers_and_ranges(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "3-1", "1-", "-2"])
def test_other_seeds_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--seeds"):
        parse_seeds(text)


NEAR = """\
name: near
title: One FPV at one tank
description: An FPV starts 400 m ahead of a lone tank and flies at it.
duration_s: 16
platoon: {count: 1, fit: radar_only}
targets:
  - id: fpv_1
    type: fpv_fhss
    start: {position_m: [0, 400], height_m: 30}
    legs:
      - {kind: terminal, platform: tank_1, speed_mps: 30}
"""


def test_the_summary_of_a_run_says_which_layers_had_time_and_no_track_depends_on_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = tmp_path / "near.yaml"
    scenario.write_text(NEAR, encoding="utf-8")
    given = "platoon.protection.layers=[{name: smoke, needs_s: 0}, {name: dig_in, needs_s: 600}]"
    summaries = {}
    for name, overrides in (("given", (given,)), ("catalogue", ())):
        run(
            RunOptions(
                str(scenario),
                3,
                tmp_path / name,
                overrides=overrides,
                quiet=True,
                in_process=True,
                recording=False,
                report=False,
            )
        )
        summaries[name] = json.loads((tmp_path / name / "summary.json").read_text())
    (pair,) = summaries["given"]["time_budgets"]["pairs"]
    assert (pair["platform_id"], pair["target_id"], pair["aspect"]) == ("tank_1", "fpv_1", "front")
    assert pair["warning_time_s"] == summaries["given"]["targets"][0]["warning_time_s"] > 0.0
    smoke, digging = pair["layers"]
    assert (smoke["margin_s"], smoke["had_time"]) == (pair["warning_time_s"], True)
    assert (digging["margin_s"], digging["had_time"]) == (pytest.approx(pair["warning_time_s"] - 600.0), False)
    (default,) = summaries["catalogue"]["time_budgets"]["pairs"]
    assert [layer["name"] for layer in default["layers"]][:2] == ["active_protection", "electronic_warfare"]
    assert summaries["given"]["tracks_sha256"] == summaries["catalogue"]["tracks_sha256"]
    print_summary(summaries["given"])
    shown = capsys.readouterr().out
    assert "margin of each layer" in shown
    assert re.search(r"dig in\W+0 of 1", shown)
