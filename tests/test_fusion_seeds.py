"""Seeds: pairs of plots become tracks, jointly; a lone plot becomes nothing and is forgotten."""

import dataclasses
import math

import numpy as np
import pytest
from fusion_scene import camera, radar, scan_of

from fusion.config import BirthConfig, TrackerConfig
from fusion.seeds import Seeds
from fusion.sensing import SensorBook
from fusion.step import Scan

PERIOD_NS = 100_000_000


def ready(config: TrackerConfig | None = None) -> tuple[Seeds, SensorBook]:
    config = config or TrackerConfig()
    book = SensorBook(config)
    book.add(radar(period_s=0.1, clutter=5.0))
    return Seeds(config), book


def look(book: SensorBook, k: int, rows: list[list[float]]) -> tuple[Scan, np.ndarray]:
    return book.prepare(scan_of("radar_1", k, k * PERIOD_NS, rows)), np.ones(len(rows))


def sown(seeds: Seeds, scan: Scan, free: np.ndarray) -> list[tuple[int, float]]:
    pairs, _ = seeds.sow(scan, free, 0.01)
    return sorted(zip(pairs.det.tolist(), pairs.r.tolist(), strict=True))


def test_two_plots_of_one_target_become_a_pair_with_its_velocity() -> None:
    seeds, book = ready()
    assert sown(seeds, *look(book, 0, [[800.0, 0.5, 0.1, -20.0]])) == []
    scan, free = look(book, 1, [[798.0, 0.5, 0.1, -20.0]])
    pairs, others = seeds.sow(scan, free, 0.01)
    assert len(pairs.r) == 1
    assert others == 0
    assert pairs.r[0] > 0.9
    assert pairs.t_ns[0] == 0
    assert free[0] == pytest.approx(1.0 - pairs.r[0])
    line = np.array([math.sin(0.5) * math.cos(0.1), math.cos(0.5) * math.cos(0.1), math.sin(0.1)])
    # The range rate knows the radial velocity to 0.5 m/s, twice.
    assert pairs.x[0, 3:] @ line == pytest.approx(-20.0, abs=3 * 0.5)
    assert np.all(np.linalg.eigvalsh(pairs.P[0]) > 0.0)


def test_a_first_plot_is_as_likely_a_target_as_its_range_has_ground() -> None:
    """A radar to 3000 m: the mean half-way, twice as much at its end and beyond, a tenth at least near by."""
    seeds, book = ready()
    assert book.sensors["radar_1"].fov[1] == 3000.0
    for k, range_m in enumerate((1500.0, 3000.0, 3200.0, 600.0, 20.0)):
        sown(seeds, *look(book, k, [[range_m, 0.5 * k, 0.1, 0.0]]))
    np.testing.assert_allclose(seeds.snapshot().r, 0.01 * np.array([1.0, 2.0, 2.0, 0.4, 0.1]))


def test_a_formation_gives_as_many_pairs_as_it_has_members() -> None:
    seeds, book = ready()
    rows = [[800.0 + 60.0 * i, 0.5 + 0.1 * i, 0.1, -20.0 + 3.0 * i] for i in range(6)]
    sown(seeds, *look(book, 0, rows))
    found = sown(seeds, *look(book, 1, rows[::-1]))
    assert [det for det, _ in found] == list(range(6))
    assert min(r for _, r in found) > 0.9


def test_two_seeds_that_fit_one_plot_give_one_birth_their_mixture() -> None:
    """Either seed alone gives a birth; both together give the mean of the two, as wide as they are apart."""
    plots = [[800.0, 0.5, 0.1, -20.0], [802.0, 0.502, 0.1, -20.0]]
    births = []
    for first in ([plots[0]], [plots[1]], plots):
        seeds, book = ready()
        sown(seeds, *look(book, 0, first))
        pairs, _ = seeds.sow(*look(book, 1, [[799.0, 0.501, 0.1, -20.0]]), 0.01)
        assert pairs.det.tolist() == [0]
        births.append((pairs.x[0].copy(), pairs.P[0].copy(), float(pairs.r[0])))
    (x1, P1, _), (x2, P2, _), (x, P, r) = births
    assert r <= 1.0
    along = (x - x2) @ (x1 - x2) / ((x1 - x2) @ (x1 - x2))  # share of the first seed
    assert 0.0 < along < 1.0
    np.testing.assert_allclose(x, along * x1 + (1 - along) * x2, atol=1e-6)
    apart = np.outer(x1 - x2, x1 - x2)
    np.testing.assert_allclose(P, along * P1 + (1 - along) * P2 + along * (1 - along) * apart, atol=1e-6)


def test_two_seeds_along_one_bearing_stay_two_births() -> None:
    """Their mixture would lie between them, hundreds of metres from either."""
    seeds, book = ready()
    book.add(camera("eo_1", (0.0, 0.0, 0.0)))
    sown(seeds, *look(book, 0, [[500.0, 0.5, 0.1, -20.0], [1100.0, 0.5, 0.1, -20.0]]))
    bearing = book.prepare(scan_of("eo_1", 1, PERIOD_NS, [[math.nan, 0.5, 0.1]]))
    pairs, _ = seeds.sow(bearing, np.ones(1), 0.01)
    assert len(pairs.r) == 2
    assert sorted(np.linalg.norm(pairs.x[:, :3], axis=1)) == pytest.approx([498.0, 1098.0], abs=10.0)


@pytest.mark.parametrize(
    "second",
    [[860.0, 0.5, 0.1, -20.0], [798.0, 0.7, 0.1, -20.0], [798.0, 0.5, 0.1, 20.0]],
    ids=["too far", "too far round", "wrong range rate"],
)
def test_plots_that_do_not_fit_make_no_pair(second: list[float]) -> None:
    seeds, book = ready()
    sown(seeds, *look(book, 0, [[800.0, 0.5, 0.1, -20.0]]))
    assert sown(seeds, *look(book, 1, [second])) == []


def test_a_target_due_north_is_no_special_case() -> None:
    seeds, book = ready()
    sown(seeds, *look(book, 0, [[800.0, 2 * math.pi - 0.001, 0.1, -20.0]]))
    assert len(sown(seeds, *look(book, 1, [[798.0, 0.001, 0.1, -20.0]]))) == 1


def test_a_seed_is_forgotten_after_its_looks() -> None:
    seeds, book = ready()
    sown(seeds, *look(book, 0, [[800.0, 0.5, 0.1, 0.0]]))
    assert sown(seeds, *look(book, 4, [[800.0, 0.5, 0.1, 0.0]])) == []


def test_explained_plots_plant_nothing() -> None:
    seeds, book = ready()
    scan, _ = look(book, 0, [[800.0, 0.5, 0.1, 0.0]])
    seeds.sow(scan, np.zeros(1), 0.01)
    assert sown(seeds, *look(book, 1, [[800.0, 0.5, 0.1, 0.0]])) == []


def test_the_stock_is_bounded_and_a_snapshot_repeats_the_future() -> None:
    birth = dataclasses.replace(BirthConfig(), most_seeds=8)
    seeds, book = ready(TrackerConfig(birth=birth))
    rows = [[300.0 + 100.0 * i, 0.2 * i, 0.1, 0.0] for i in range(12)]
    sown(seeds, *look(book, 0, rows))
    saved = seeds.snapshot()
    assert len(saved.r) == 8
    first = sown(seeds, *look(book, 1, rows))
    assert [det for det, _ in first] == list(range(4, 12))  # the oldest gave way
    seeds.restore(saved)
    assert sown(seeds, *look(book, 1, rows)) == first


def test_bearings_pair_with_a_seed_too_and_are_counted_when_left_over() -> None:
    seeds, book = ready()
    sown(seeds, *look(book, 0, [[800.0, 0.5, 0.1, 0.0]]))
    scan, free = look(book, 1, [[math.nan, 0.5, 0.1, math.nan], [math.nan, 2.5, 0.1, math.nan]])
    pairs, others = seeds.sow(scan, free, 0.01)
    assert pairs.det.tolist() == [0]
    assert others >= 1
