"""Files made by a script that shares no code with the project are tracked, and the tracks are right."""

from __future__ import annotations

import ast
import csv
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("make_foreign_data.py")
# One look of the radar is 4 m off in range, the worst coordinate once the camera (0.05 deg: 0.6 m at 700 m) has spoken.
# A tracker that does its work is not worse than one look.
POSITION_ERROR_M = 4.0
MISSED_FRACTION = 0.05  # of 30 s: 1.5 s, seven radar looks, to confirm a track
CUTOFF_M = 50.0
VEDETTE = str(Path(sys.executable).with_name("vedette"))
TRACK_COLUMNS = [
    *("time_s", "track_id", "status", "existence", "east_m", "north_m", "up_m"),
    *("v_east_mps", "v_north_mps", "v_up_mps", "p_ee", "p_en", "p_eu", "p_nn", "p_nu", "p_uu"),
]


def vedette(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    command = [VEDETTE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The foreign recording with the tracks that Vedette made of it."""
    made = tmp_path_factory.mktemp("foreign")
    subprocess.run([sys.executable, str(SCRIPT), str(made)], check=True)
    done = vedette(
        "track", made / "DETECTIONS.csv", "--sensors", made / "SENSORS.yaml",
        "--poses", made / "POSES.csv", "--out", made / "TRACKS.csv",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def test_script_uses_the_standard_library_alone() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert names <= set(sys.stdlib_module_names)


def test_both_targets_are_tracked(folder: Path) -> None:
    done = vedette("score", folder / "TRACKS.csv", folder / "TRUTH.csv", "--cutoff-m", str(CUTOFF_M))
    assert done.returncode == 0, done.stderr
    score = json.loads(done.stdout)
    assert score["completeness"] > 1.0 - MISSED_FRACTION
    assert score["id_switches"] == 0
    assert score["position_rmse_m"] < POSITION_ERROR_M
    # Two targets, each off by that much, and the share of instants at which one is missed (c^2 / 2 under the root).
    assert score["gospa_m"] < math.sqrt(2.0) * POSITION_ERROR_M + MISSED_FRACTION * CUTOFF_M / math.sqrt(2.0)
    assert 0.7 < score["nees_over_3"] < 1.4


def test_tracks_have_the_promised_columns(folder: Path) -> None:
    with (folder / "TRACKS.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0])[: len(TRACK_COLUMNS)] == TRACK_COLUMNS
    assert {row["status"] for row in rows} <= {"confirmed", "coasting"}


def test_same_files_give_the_same_bytes(folder: Path) -> None:
    again = folder / "TRACKS_again.csv"
    done = vedette(
        "track", folder / "DETECTIONS.csv", "--sensors", folder / "SENSORS.yaml",
        "--poses", folder / "POSES.csv", "--out", again,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert again.read_bytes() == (folder / "TRACKS.csv").read_bytes()


def test_parquet_is_the_same_recording(folder: Path) -> None:
    """The detections as Parquet (written by pyarrow itself) give the same tracks."""
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    parquet.write_table(arrow_csv.read_csv(folder / "DETECTIONS.csv"), folder / "DETECTIONS.parquet")
    done = vedette(
        "track", folder / "DETECTIONS.parquet", "--sensors", folder / "SENSORS.yaml",
        "--poses", folder / "POSES.csv", "--out", folder / "TRACKS_parquet.csv",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (folder / "TRACKS_parquet.csv").read_bytes() == (folder / "TRACKS.csv").read_bytes()
