"""Terrain from an elevation file: through the loader, under the world, in the run folder; wrong ones are refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from elevation_files import geotiff_bytes, hills, hills_geotiff
from typer.testing import CliRunner

from scenarios import attach
from scenarios.elevation.geodesy import geodetic_deg
from scenarios.loader import ScenarioError, effective_yaml, load
from scenarios.schema import ElevationFile, TerrainPlan
from sim.randomness import generator
from sim.terrain import EARTH_RADIUS_M, Terrain
from sim.world import World
from vedette.cli import app

TEXT = """\
name: hills
title: Hills
description: One tank among real hills.
duration_s: 3
environment:
  datum: {latitude_deg: 48.0, longitude_deg: 37.0, altitude_m: 150.0}
  terrain:
    file: {path: maps/hills.tif}
    size_m: 5000
    cell_m: 20
    woods_fraction: 0.0
platoon: {count: 1, fit: radar_only, engine: "off"}
targets:
  - id: fpv_1
    type: fpv_fibre
    start: {position_m: [0, 900], height_m: 60}
    legs: [{kind: terminal, platform: tank_1}]
"""


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    hills_geotiff(tmp_path / "maps" / "hills.tif")
    file = tmp_path / "hills.yaml"
    file.write_text(TEXT, encoding="utf-8")
    return file


def errors_of(file: Path, *overrides: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        load(file, overrides)
    (error,) = caught.value.errors
    return error


def test_the_ground_is_that_of_the_file(scenario_file: Path) -> None:
    terrain = World(load(scenario_file), generator(1, "world")).terrain
    east, north = np.random.default_rng(1).uniform(-2400.0, 2400.0, (2, 300))
    lat, lon = geodetic_deg(east, north, 48.0, 37.0, 150.0)
    expected = hills(lat, lon) - hills(np.array(48.0), np.array(37.0))
    # Chords over 20 m cells: 80 m x (20 m x 400 / 111 km)^2 / 8 north, x 300 / 74.6 km east, 0.12 m in all; and 0.21 m
    # of the file's own.
    assert np.allclose(terrain.height(east, north), expected, atol=0.33)
    assert terrain.canopy_grid_m.max() == 0.0
    assert terrain.ground_at(0.0, 0.0) == pytest.approx(0.0, abs=1e-9)


def test_line_of_sight_is_that_of_dense_sampling(scenario_file: Path) -> None:
    terrain = World(load(scenario_file), generator(1, "world")).terrain
    rng = np.random.default_rng(2)
    points = np.column_stack([rng.uniform(-2400.0, 2400.0, (150, 2)), np.zeros(150)])
    points[:, 2] = terrain.height(points[:, 0], points[:, 1]) + rng.uniform(2.0, 90.0, 150)
    origin = np.array([0.0, 0.0, 6.0])
    share = np.linspace(0.0, 1.0, 4000)[5:-5]
    ray = origin + share[:, None, None] * (points - origin)
    bulge = (share * (1.0 - share))[:, None] * np.sum((points - origin)[:, :2] ** 2, axis=1) / (2.0 * EARTH_RADIUS_M)
    clearance = np.min(ray[..., 2] - bulge - terrain.surface(ray[..., 0], ray[..., 1]), axis=0)
    seen = terrain.line_of_sight(origin, points)
    clear, blocked = clearance > 1.5, clearance < -1.5
    assert clear.sum() > 20
    assert blocked.sum() > 20
    assert seen[clear].all()
    assert not seen[blocked].any()


def test_woods_and_treelines_grow_on_it(scenario_file: Path) -> None:
    line = "[{from_m: [-500, 300], to_m: [500, 300], width_m: 30, height_m: 15}]"
    overrides = [f"environment.terrain.treelines={line}", "environment.terrain.woods_fraction=0.1"]
    terrain = World(load(scenario_file, overrides), generator(1, "world")).terrain
    bare = World(load(scenario_file), generator(1, "world")).terrain
    assert np.array_equal(terrain.height_grid_m, bare.height_grid_m)
    assert float(terrain.canopy(0.0, 300.0)) == pytest.approx(15.0, abs=2.0)
    assert (terrain.canopy_grid_m > 0.0).mean() > 0.05


def test_a_procedural_terrain_is_what_it_was() -> None:
    """Heights and trees of a seed, as they were before files came in."""
    terrain = Terrain(TerrainPlan(seed=5, size_m=2000.0))
    digest = hashlib.sha256(terrain.height_grid_m.tobytes() + terrain.canopy_grid_m.tobytes()).hexdigest()
    again = Terrain(TerrainPlan(seed=5, size_m=2000.0, file=None))
    assert digest == hashlib.sha256(again.height_grid_m.tobytes() + again.canopy_grid_m.tobytes()).hexdigest()
    assert terrain.height_grid_m.std() == pytest.approx(12.0, rel=0.1)


def test_a_plan_that_was_not_loaded_says_so() -> None:
    with pytest.raises(ValueError, match=r"x\.tif: not read: load the scenario with"):
        Terrain(TerrainPlan(file=ElevationFile(path="x.tif")))


def test_the_effective_scenario_has_the_hash_and_loads_again(scenario_file: Path) -> None:
    digest = hashlib.sha256((scenario_file.parent / "maps" / "hills.tif").read_bytes()).hexdigest()
    text = effective_yaml(load(scenario_file))
    assert digest in text
    again = scenario_file.with_name("again.yaml")
    again.write_text(text, encoding="utf-8")
    assert effective_yaml(load(again)) == text


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("file.path=../hills.tif", "must be a path below the scenario's folder"),
        ("file.path=/etc/hills.tif", "must be a path below the scenario's folder"),
        ("file.path=maps//hills.tif", "must be a path below the scenario's folder"),
        ("file.path=maps/./hills.tif", "must be a path below the scenario's folder"),
        ("file.path='maps\\hills.tif'", "must be a path below the scenario's folder"),
        ("file.path='C:hills.tif'", "must be a path below the scenario's folder"),
        ("file.path=maps/hills.png", "must end in .tif, .tiff, .dt0, .dt1, .dt2"),
        ("file.path=maps/other.tif", "must be a file that can be read (No such file or directory)"),
        ("file.path=maps", "must end in"),
        ("file.sha256=abc", "must be a SHA-256"),
        ("file.sha256=" + "f" * 64, "must be the file with SHA-256 fff"),
        ("file.void_height_m=99999", "must be <= 9000"),
        ("size_m=12000", "lie beyond the file's edge"),
        ("cell_m=2", "must be >= 2.5 for size_m = 5000"),
    ],
)
def test_a_wrong_file_is_one_sentence(scenario_file: Path, override: str, says: str) -> None:
    error = errors_of(scenario_file, f"environment.terrain.{override}")
    assert says in error
    assert "environment.terrain." in error


def test_a_datum_elsewhere_is_off_the_file(scenario_file: Path) -> None:
    error = errors_of(scenario_file, "environment.datum.latitude_deg=50.0")
    assert "lie beyond the file's edge" in error
    assert "of the datum (50 N, 37 E)" in error


def test_a_link_out_of_the_folder_is_refused(scenario_file: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = hills_geotiff(tmp_path_factory.mktemp("outside") / "secret.tif")
    (scenario_file.parent / "maps" / "link.tif").symlink_to(outside)
    assert "must lie below the scenario's folder" in errors_of(
        scenario_file, "environment.terrain.file.path=maps/link.tif"
    )


def test_a_file_beyond_the_limit_is_refused(scenario_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attach, "ELEVATION_BYTES", 1000)
    assert "must have at most 1000 bytes" in errors_of(scenario_file)


def test_voids_are_an_error_or_filled_as_stated(scenario_file: Path) -> None:
    k = np.arange(-150, 151) / 3600.0
    longitude, latitude = np.meshgrid(37.0 + k, 48.0 - k)
    heights = hills(latitude, longitude).astype(np.float32)
    heights[140:143, 150:153] = -32767.0
    path = scenario_file.parent / "maps" / "hills.tif"
    path.write_bytes(geotiff_bytes(heights, (37.0 - 150 / 3600, 48.0 + 150 / 3600), 1 / 3600))
    assert "are void in the file" in errors_of(scenario_file)
    filled = load(scenario_file, ["environment.terrain.file.void_height_m=310"])
    terrain = World(filled, generator(1, "world")).terrain
    # Post [141, 151] lies 9 arc seconds north and 1 east of the datum: 278 m, 20.7 m.
    assert float(terrain.height(20.7, 278.0)) == pytest.approx(10.0, abs=0.5)


@pytest.mark.jit
def test_a_run_keeps_its_ground_and_repeats_from_its_folder(scenario_file: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for source, out in ((scenario_file, first), (first / "scenario.yaml", second)):
        done = CliRunner().invoke(app, ["run", str(source), "--out", str(out), "--in-process", "-q"])
        assert done.exit_code == 0, done.output
    digest = hashlib.sha256((tmp_path / "maps" / "hills.tif").read_bytes()).hexdigest()
    for out in (first, second):
        assert hashlib.sha256((out / "maps" / "hills.tif").read_bytes()).hexdigest() == digest
        assert json.loads((out / "summary.json").read_text())["files"] == {"maps/hills.tif": digest}
    for name in ("detections.csv", "tracks.csv", "truth.csv"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
