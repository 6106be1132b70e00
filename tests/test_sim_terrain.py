"""Terrain: the same seed gives the same ground; woods and ridges as planned; what hides and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios.schema import Barrier, TerrainPlan
from sim.terrain import EARTH_RADIUS_M, Terrain

FLAT = TerrainPlan(relief_m=0.0, woods_fraction=0.0, size_m=4000.0)


def blocked_by_dense_sampling(terrain: Terrain, origin: np.ndarray, point: np.ndarray) -> float:
    """Return the least clearance of a ray [m], sampled every 0.5 m: the obvious twin of ``line_of_sight``."""
    n = int(np.linalg.norm(point - origin) / 0.5) + 2
    share = np.linspace(0.0, 1.0, n)[5:-5]
    ray = origin + share[:, None] * (point - origin)
    ground = np.hypot(*(point - origin)[:2])
    bulge = share * (1.0 - share) * ground**2 / (2.0 * EARTH_RADIUS_M)
    return float(np.min(ray[:, 2] - bulge - terrain.surface(ray[:, 0], ray[:, 1])))


def test_same_seed_same_ground_other_seed_other_ground() -> None:
    plan = TerrainPlan(seed=5, size_m=3000.0)
    a, b, c = Terrain(plan), Terrain(plan), Terrain(plan.model_copy(update={"seed": 6}))
    assert np.array_equal(a.height_grid_m, b.height_grid_m)
    assert np.array_equal(a.canopy_grid_m, b.canopy_grid_m)
    assert not np.allclose(a.height_grid_m, c.height_grid_m)


def test_relief_and_woods_are_as_planned() -> None:
    terrain = Terrain(TerrainPlan(seed=3, relief_m=10.0, woods_fraction=0.2))
    # The field is scaled to its sample deviation; the two parts of the relief are independent, so a tenth is ample.
    assert terrain.height_grid_m.std() == pytest.approx(10.0, rel=0.1)
    assert (terrain.canopy_grid_m > 0).mean() == pytest.approx(0.2, abs=0.005)


def test_datum_is_at_height_zero_and_scalar_equals_array() -> None:
    terrain = Terrain(TerrainPlan(seed=8))
    assert terrain.height(0.0, 0.0) == pytest.approx(0.0, abs=1e-12)
    points = np.random.default_rng(0).uniform(-4500.0, 4500.0, (200, 2))  # some of them beyond the edge
    for east, north in points:
        ground, surface = terrain.ground_and_surface_at(east, north)
        assert ground == pytest.approx(float(terrain.height(east, north)), abs=1e-9)
        assert surface == pytest.approx(float(terrain.surface(east, north)), abs=1e-9)


def test_no_random_woods_near_the_platoon() -> None:
    plan = TerrainPlan(seed=4, woods_fraction=0.5, clearing_m=200.0)
    terrain = Terrain(plan, np.array([[300.0, 100.0]]))
    around = np.random.default_rng(1).uniform(-120.0, 120.0, (500, 2)) + np.array([300.0, 100.0])
    assert terrain.canopy(around[:, 0], around[:, 1]).max() == 0.0


def test_treeline_hides_what_is_low_behind_it_and_nothing_before_or_above() -> None:
    line = Barrier(from_m=(-500.0, 900.0), to_m=(500.0, 900.0), width_m=30.0, height_m=15.0)
    terrain = Terrain(FLAT.model_copy(update={"treelines": (line,)}))
    origin = np.array([0.0, 0.0, 3.0])
    points = np.array([[0.0, 1000.0, 8.0], [0.0, 800.0, 8.0], [0.0, 1000.0, 40.0], [900.0, 1000.0, 8.0]])
    assert terrain.line_of_sight(origin, points).tolist() == [False, True, True, True]


def test_ridge_hides() -> None:
    ridge = Barrier(from_m=(-500.0, 600.0), to_m=(500.0, 600.0), width_m=120.0, height_m=20.0)
    terrain = Terrain(FLAT.model_copy(update={"ridges": (ridge,)}))
    points = np.array([[0.0, 900.0, 10.0], [0.0, 900.0, 60.0]])
    assert terrain.line_of_sight(np.array([0.0, 0.0, 3.0]), points).tolist() == [False, True]


def test_line_of_sight_agrees_with_dense_sampling_where_the_ray_is_clearly_free_or_blocked() -> None:
    """Off the 1.5 m band that the half-cell grid may round away, the fast answer is the obvious one."""
    terrain = Terrain(TerrainPlan(seed=21, relief_m=15.0, woods_fraction=0.0))
    rng = np.random.default_rng(2)
    points = np.column_stack([rng.uniform(-3000.0, 3000.0, (150, 2)), np.zeros(150)])
    points[:, 2] = terrain.height(points[:, 0], points[:, 1]) + rng.uniform(2.0, 60.0, 150)
    origin = np.array([0.0, 0.0, 6.0])
    seen = terrain.line_of_sight(origin, points)
    clearance = np.array([blocked_by_dense_sampling(terrain, origin, p) for p in points])
    clear, blocked = clearance > 1.5, clearance < -1.5
    assert clear.sum() > 20
    assert blocked.sum() > 20
    assert seen[clear].all()
    assert not seen[blocked].any()


def test_one_by_one_is_the_same_as_all_together() -> None:
    terrain = Terrain(TerrainPlan(seed=9))
    rng = np.random.default_rng(3)
    points = np.column_stack([rng.uniform(-3000.0, 3000.0, (300, 2)), rng.uniform(0.0, 100.0, 300)])
    together = terrain.line_of_sight(np.array([10.0, 20.0, 5.0]), points)
    assert terrain.line_of_sight(np.array([10.0, 20.0, 5.0]), points[:0]).shape == (0,)
    assert together.dtype == np.bool_
    assert 0 < together.sum() < 300
