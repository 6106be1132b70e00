"""Late scans and poses: bit-identical to having heard everything in order."""

import itertools
import math

import numpy as np
import pytest
from fusion_scene import bearing_scan, camera, pose, radar, radar_scan

from fusion.fixed_lag import MAX_SCANS, FixedLag
from fusion.sensors import UnknownSensor
from fusion.tracker import OutOfOrder, Tracker
from messages.types import PlatformPose, SensorScan

SENSORS = (
    radar("radar_1", platform_id="tank_1", angles="enu"),
    camera("eo_2", (0.0, 0.0, 2.0), platform_id="tank_2"),
)


def traffic(seconds: float = 3.0, seed: int = 3) -> list[SensorScan | PlatformPose]:
    """Scans of two sensors on moving platforms, and the platforms' poses, in order of validity."""
    rng = np.random.default_rng(seed)
    p, v = np.array([[600.0, 900.0, 60.0], [-300.0, 700.0, 80.0]]), np.array([[-20.0, -10.0, 0.0], [5.0, -25.0, 0.0]])
    out: list[SensorScan | PlatformPose] = []
    for k in range(int(seconds * 20)):
        t = k * 0.05
        if k % 2 == 0:
            for name, east in (("tank_1", 0.0), ("tank_2", 120.0)):
                out.append(pose(name, t, (east, 8.0 * t, 0.0), velocity_mps=(0.0, 8.0, 0.0), yaw_rad=0.1 * math.sin(t)))
        at = p + v * t
        if k % 5 == 1:
            out.append(radar_scan(SENSORS[0], k, round(t * 1e9), at - [0.0, 8.0 * t, 0.0], v, rng, clutter=5.0))
        if k % 4 == 3:
            out.append(bearing_scan(SENSORS[1], k, round(t * 1e9), at - [120.0, 8.0 * t, 0.0], rng))
    return out


def feed(items: list[SensorScan | PlatformPose], lag_ns: int = 10**9) -> tuple[FixedLag, list[object]]:
    lag = FixedLag(Tracker(), lag_ns)
    for sensor in SENSORS:
        lag.add_sensor(sensor)
    results = []
    for item in items:
        if isinstance(item, PlatformPose):
            lag.set_pose(item)
        else:
            results.append(lag.step(item))
    return lag, results


def state(lag: FixedLag) -> tuple[bytes, ...]:
    n, next_id, columns = lag.tracker.table.copy_rows()
    return (repr((n, next_id, lag.tracker.t_ns)).encode(), *(c.tobytes() for c in columns))


def shuffled(items: list[SensorScan | PlatformPose], window_s: float, seed: int) -> list[SensorScan | PlatformPose]:
    """Delay each item by up to window_s; the first second and the last scan keep their order."""
    rng = np.random.default_rng(seed)
    delay = [0.0 if x.t_ns < 10**9 else rng.uniform(0.0, window_s) for x in items]
    delay[-1] = 10.0
    order = sorted(range(len(items)), key=lambda i: items[i].t_ns / 1e9 + delay[i])
    return [items[i] for i in order]


def test_a_scan_that_is_late_over_the_coming_of_a_new_sensor_gives_the_same_bits() -> None:
    """Snapshots from before the second radar know nothing of it; the rows must not keep what it said since."""
    p, v, rng = np.array([[100.0, 900.0, 60.0]]), np.array([[5.0, -20.0, 0.0]]), np.random.default_rng(8)
    known, new = radar("radar_1", period_s=0.1), radar("radar_2", period_s=0.1)
    old = [radar_scan(known, k, k * 10**8, p + v * 0.1 * k, v, rng) for k in range(30)]
    young = [radar_scan(new, k, 2_050_000_000 + k * 10**8, p + v * (2.05 + 0.1 * k), v, rng) for k in range(8)]
    ends = []
    for delay in (0, 7):
        lag = FixedLag(Tracker())
        lag.add_sensor(known)
        for scan in old[: 21 - (delay > 0)]:
            lag.step(scan)
        lag.add_sensor(new)
        for i, scan in enumerate(sorted([*old[21:], *young], key=lambda scan: scan.t_ns)):
            lag.step(scan)
            if i == delay and delay:
                lag.step(old[20])
        ends.append((lag.reruns, state(lag)))
    assert ends[1][0] > 0
    assert ends[0][1] == ends[1][1]


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_arrival_inside_the_lag_gives_the_same_bits(seed: int) -> None:
    items = traffic()
    lag, results = feed(items)
    late, late_results = feed(shuffled(items, 0.8, seed))
    assert late.refused == 0
    assert late.reruns > 0
    assert state(late) == state(lag)
    assert late_results[-1] == results[-1]
    assert len(results[-1].tracks) == 2


def test_a_track_that_a_late_scan_begins_does_not_rename_those_that_were_reported() -> None:
    p, v, rng = np.array([[100.0, 900.0, 60.0]]), np.array([[5.0, -20.0, 0.0]]), np.random.default_rng(8)
    q = np.array([[-800.0, 500.0, 90.0]])
    sensors = radar("radar_1", period_s=0.1), radar("radar_2", period_s=0.1)
    lag = FixedLag(Tracker())
    for sensor in sensors:
        lag.add_sensor(sensor)
    seen = [radar_scan(sensors[0], k, k * 10**8, p + 0.1 * k * v, v, rng, clutter=0.0) for k in range(6)]
    late = [radar_scan(sensors[1], k, (k * 10 - 2) * 10**7, q + 0.1 * k * v, v, rng, clutter=0.0) for k in (1, 2)]
    reported = [{track.track_id for track in lag.step(scan).tracks} for scan in seen]
    names = set(lag.tracker.table.columns.track_id[: lag.tracker.table.n].tolist())
    for scan in late:
        result = lag.step(scan)
        assert result is not None
        reported.append({track.track_id for track in result.tracks if track.state[0] > 0.0})
    assert lag.reruns == 2
    assert lag.tracker.table.n > len(names)  # another track was born, before them
    assert names <= set(lag.tracker.table.columns.track_id[: lag.tracker.table.n].tolist())
    assert {1} in reported
    assert set().union(*reported) == {1}


def test_same_calls_give_the_same_bits() -> None:
    (a, ra), (b, rb) = feed(traffic()), feed(traffic())
    assert state(a) == state(b)
    assert ra == rb


def test_a_scan_older_than_the_lag_is_refused_and_counted() -> None:
    items = traffic()
    scans = [x for x in items if isinstance(x, SensorScan)]
    early = scans[3]
    lag, _ = feed([x for x in items if x is not early])
    before = state(lag)
    assert lag.step(early) is None
    assert lag.refused == 1
    assert state(lag) == before


def test_memory_is_bounded_by_the_lag_and_by_count() -> None:
    lag, _ = feed(traffic(6.0), lag_ns=500_000_000)
    assert lag._entries[-1].key[0] - lag._entries[0].key[0] <= 600_000_000
    assert len(lag._entries) < MAX_SCANS
    assert len(lag._keys) == len(lag._entries)


def test_a_bad_late_scan_raises_and_changes_nothing() -> None:
    items = traffic()
    lag, _ = feed(items)
    before = state(lag)
    bad = SensorScan(sensor_id="radar_1", scan=9999, t_ns=items[-1].t_ns - 10**8, detections=b"123")
    with pytest.raises(ValueError, match="not a multiple"):
        lag.step(bad)
    with pytest.raises(UnknownSensor, match="nobody"):
        lag.step(SensorScan(sensor_id="nobody", scan=1, t_ns=items[-1].t_ns))
    assert state(lag) == before


def test_the_tracker_itself_refuses_to_go_back() -> None:
    lag, _ = feed(traffic())
    with pytest.raises(OutOfOrder, match="older"):
        lag.tracker.step(SensorScan(sensor_id="radar_1", scan=1, t_ns=10**8))


def test_a_scan_before_its_platforms_first_pose_names_the_platform() -> None:
    lag = FixedLag(Tracker())
    lag.add_sensor(SENSORS[0])
    with pytest.raises(UnknownSensor, match="tank_1"):
        lag.step(SensorScan(sensor_id="radar_1", scan=1, t_ns=10**8))


def test_snapshot_and_restore_repeat_the_future_exactly() -> None:
    scans = [x for x in traffic() if isinstance(x, SensorScan)]
    lag, _ = feed([x for x in traffic() if isinstance(x, PlatformPose)])
    tracker = lag.tracker
    for scan in scans[:10]:
        tracker.step(scan)
    saved = tracker.snapshot()
    first = [tracker.step(scan) for scan in scans[10:]]
    tracker.restore(saved)
    again = [tracker.step(scan) for scan in scans[10:]]
    assert list(itertools.chain(first)) == again
