"""The map of crowded clutter: uniform clutter changes nothing, a crowd is learned, a snapshot repeats the future."""

import math

import numpy as np
import pytest
from fusion_scene import radar, scan_of

from fusion.clutter import ClutterMaps
from fusion.config import ClutterConfig, TrackerConfig
from fusion.sensing import SensorBook
from fusion.step import Scan
from fusion.tracker import Tracker
from messages.types import FieldOfView

PERIOD_NS = 100_000_000
PLACE = (600.0, 0.5, 0.1)  # range, azimuth, elevation


def crowd(rng: np.random.Generator, count: int, spread_m: float = 25.0) -> list[list[float]]:
    r, a, e = PLACE
    near = rng.uniform(-spread_m, spread_m, (count, 3)) / [1.0, r, r]
    return [[r + d[0], a + d[1], e + d[2], rng.uniform(-40.0, 40.0)] for d in near]


def prepared(book: SensorBook, k: int, rows: list[list[float]]) -> Scan:
    return book.prepare(scan_of("radar_1", k, k * PERIOD_NS, rows))


def learned(per_look: int, looks: int = 30, spread_m: float = 25.0) -> tuple[ClutterMaps, SensorBook]:
    rng, book, maps = np.random.default_rng(4), SensorBook(TrackerConfig()), ClutterMaps(ClutterConfig())
    book.add(radar(period_s=0.1, clutter=20.0))
    for k in range(looks):
        maps.learn(prepared(book, k, crowd(rng, per_look, spread_m)), np.zeros(per_look))
    return maps, book


def factor(maps: ClutterMaps, book: SensorBook) -> float:
    scan = prepared(book, 30, [[*PLACE, 0.0]])
    return float(maps.judged(scan).look.density[0] / scan.look.density[0])


def test_one_unexplained_detection_a_look_is_no_crowd() -> None:
    assert factor(*learned(1)) == 1.0


def test_the_density_of_a_crowd_is_learned() -> None:
    maps, book = learned(6, spread_m=1.0)
    scan = prepared(book, 30, [[*PLACE, 0.0]])
    added = float(maps.judged(scan).look.density[0] - scan.look.density[0])
    r, _, e = PLACE
    # Six plots lie within 2 m, in one cell of 59 m or two that touch; one of them is allowed, the rest is spread.
    cell = 0.02 * (3000.0 - 50.0)
    expected = 5.0 / (7 * cell**3) * r * r * math.cos(e) / 120.0
    # The last look was 0.1 s ago: the mean has faded by a tenth, and what is allowed is not scaled: 6 e^-0.1 - 1 for 5.
    assert added == pytest.approx(expected * (6.0 * math.exp(-0.1) - 1.0) / 5.0, rel=0.02)


def test_what_well_seen_tracks_explain_is_no_crowd() -> None:
    rng, book, maps = np.random.default_rng(4), SensorBook(TrackerConfig()), ClutterMaps(ClutterConfig())
    book.add(radar(period_s=0.1))
    for k in range(30):
        maps.learn(prepared(book, k, crowd(rng, 6)), np.ones(6))
    assert factor(maps, book) == 1.0


def test_elsewhere_nothing_changes() -> None:
    maps, book = learned(6)
    scan = prepared(book, 30, [[1500.0, 3.0, 0.1, 0.0], [1200.0, 2.0, math.nan, 0.0]])
    np.testing.assert_array_equal(maps.judged(scan).look.density, scan.look.density)


def test_a_snapshot_repeats_the_future() -> None:
    maps, book = learned(6)
    saved, before = maps.snapshot(), factor(maps, book)
    maps.learn(prepared(book, 31, crowd(np.random.default_rng(9), 20)), np.zeros(20))
    assert factor(maps, book) != before
    maps.restore(saved)
    assert factor(maps, book) == before


def test_random_plots_in_a_crowd_are_not_reported_as_targets() -> None:
    """Without the map such a crowd feeds several confirmed tracks for as long as it lasts."""
    false = {}
    for enabled in (True, False):
        rng = np.random.default_rng(12)
        tracker = Tracker(TrackerConfig(clutter=ClutterConfig(enabled=enabled)))
        tracker.add_sensor(radar(period_s=0.1, clutter=20.0))
        counts = []
        for k in range(150):
            rows = crowd(rng, int(rng.poisson(3)), 45.0)
            counts.append(len(tracker.step(scan_of("radar_1", k, k * PERIOD_NS, rows)).tracks))
        false[enabled] = float(np.mean(counts[50:]))
    assert false[True] < 0.5 * false[False]


def test_a_track_that_is_seen_rarely_keeps_its_support_alone_and_loses_it_in_a_crowd() -> None:
    """Its own plots are all that the map knows around the first; four more a look come round the second."""
    kept = []
    for others in (0, 4):
        rng = np.random.default_rng(3)
        tracker = Tracker()
        tracker.add_sensor(radar(period_s=0.1, clutter=2.0))
        for k in range(60):
            rows = crowd(rng, others, 45.0)
            if k < 8 or k % 3 == 0:
                rows.append([*PLACE, 0.0])
            tracker.step(scan_of("radar_1", k, k * PERIOD_NS, rows))
        c = tracker.table.columns
        kept.append(float(c.ranged_hits[0]))
    assert kept[0] > 5.0
    assert kept[1] < 1.5


def test_a_radar_that_is_described_to_see_nothing_spoils_nothing() -> None:
    """The wire allows it; a share of nothing is no number, and must not reach the map or a track."""
    tracker, rng = Tracker(), np.random.default_rng(2)
    tracker.add_sensor(radar("radar_1", period_s=0.1, clutter=2.0))
    tracker.add_sensor(radar("radar_2", period_s=0.1, clutter=2.0, pd=0.0))
    for k in range(20):
        for i in (1, 2):
            plot = np.array([*PLACE, 0.0]) + rng.normal(size=4) * [5.0, 0.008, 0.014, 0.5]
            tracker.step(scan_of(f"radar_{i}", k, (2 * k + i) * PERIOD_NS // 2, [plot.tolist()]))
    c, n = tracker.table.columns, tracker.table.n
    assert n > 0
    assert all(np.isfinite(column[:n]).all() for column in (c.r, c.hits, c.ranged_hits, c.unexplained, c.x, c.P))
    assert c.r[0] > 0.9


def test_a_radar_that_cannot_see_a_target_leaves_it_the_support_of_the_one_that_can() -> None:
    """A fast radar looks at a sector with one of two neighbours in it; a slow one sees both, all round."""
    tracker, rng = Tracker(), np.random.default_rng(6)
    tracker.add_sensor(radar("slow", period_s=0.5, clutter=2.0))
    sector = FieldOfView(range_m=(50.0, 3000.0), azimuth_rad=(0.5, 1.0), elevation_rad=(-0.05, 1.0))
    tracker.add_sensor(radar("fast", period_s=0.1, clutter=2.0, field_of_view=sector))
    targets = np.array([[600.0, 0.53, 0.1, 0.0], [600.0, 0.45, 0.1, 0.0]])  # the second lies outside the sector
    both = []
    for k in range(150):
        plots = targets + rng.normal(size=(2, 4)) * [5.0, 0.008, 0.014, 0.5]
        if k % 5 == 0:
            tracker.step(scan_of("slow", k, k * PERIOD_NS, plots.tolist()))
        seen = plots[:1].tolist() if rng.random() < 0.9 else []
        both.append(len(tracker.step(scan_of("fast", k, k * PERIOD_NS + 1, seen)).tracks) == 2)
    assert np.mean(both[50:]) > 0.9
