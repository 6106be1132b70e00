"""Wrong input ends with exit code 2, one clear sentence, and nothing half-written."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scenarios.loader import effective_yaml, load


def vedette(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", "from vedette.cli import main; main()", *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False, cwd=cwd, timeout=300)


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


@pytest.fixture
def scenario(tmp_path: Path) -> dict[str, object]:
    document = yaml.safe_load(effective_yaml(load("fpv_treeline")))
    assert isinstance(document, dict)
    return document


def write(tmp_path: Path, document: object) -> str:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(document))
    return "mine.yaml"


def test_given_an_unknown_key_the_file_the_key_and_a_neighbour_are_named(tmp_path: Path, scenario: dict) -> None:  # type: ignore[type-arg]
    scenario["duratoin_s"] = 5
    done = vedette("run", write(tmp_path, scenario), cwd=tmp_path)
    refused(done, "mine.yaml", "duratoin_s")
    assert not (tmp_path / "runs").exists()


def test_given_a_negative_sigma_key_value_and_limit_are_named(tmp_path: Path) -> None:
    done = vedette("run", "--set", "platoon.navigation.heading_sigma_deg=-0.4", cwd=tmp_path)
    refused(done, "heading_sigma_deg", "-0.4", ">= 0")
    assert not (tmp_path / "runs").exists()


def test_given_a_sensor_without_platform_sensor_and_platform_are_named(tmp_path: Path, scenario: dict) -> None:  # type: ignore[type-arg]
    scenario["sensors"] = [{"id": "extra", "platform": "tank_9", "profile": "acoustic_array"}]
    done = vedette("run", write(tmp_path, scenario), cwd=tmp_path)
    refused(done, "mine.yaml", "tank_9")
    assert not (tmp_path / "runs").exists()


def test_given_a_missing_file_its_name_is_said(tmp_path: Path) -> None:
    refused(vedette("run", "nowhere.yaml", cwd=tmp_path), "nowhere.yaml")
    refused(vedette("track", "no.csv", "--sensors", "no.yaml", "--out", "t.csv", cwd=tmp_path), "no.")
    refused(vedette("score", "no.csv", "truth.csv", cwd=tmp_path), "no.csv")
    refused(vedette("detect", "thermal", "no.mp4", "--out", "d.csv", cwd=tmp_path), "no.mp4")
    refused(vedette("replay", "nowhere", cwd=tmp_path), "nowhere")
    assert not list(tmp_path.iterdir())


def test_given_a_port_in_use_the_run_says_so_and_leaves_no_folder(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = vedette("run", "--transport", f"tcp://127.0.0.1:{port}", "--out", "taken", cwd=tmp_path)
    refused(done, str(port), "in use")
    assert not (tmp_path / "taken").exists()


def test_given_a_folder_with_a_run_it_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/notes.txt").write_text("keep me")
    refused(vedette("run", "--out", "old", cwd=tmp_path), "old", "choose another")
    assert (tmp_path / "old/notes.txt").read_text() == "keep me"


@pytest.mark.parametrize("speed", ["fast", "0", "-1", "nan", "1001"])
def test_given_a_wrong_speed_the_limits_are_named(tmp_path: Path, speed: str) -> None:
    refused(vedette("run", "--speed", speed, cwd=tmp_path), "--speed", "max")
    assert not list(tmp_path.iterdir())
