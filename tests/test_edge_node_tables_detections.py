"""DETECTIONS files: both ways, in order of arrival, with errors that name file, line, column and value."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edge_node.tables import HeardScan, TableError, read_detections, write_detections
from messages.detections import INDEX, N_COLUMNS, block, empty_rows, pack
from messages.types import FieldOfView, MeasurementSigma, SensorDescription, SensorScan

RADAR = SensorDescription(
    sensor_id="radar_1",
    kind="radar",
    sigma=MeasurementSigma(range_m=5.0, azimuth_rad=0.01, elevation_rad=0.01, range_rate_mps=0.5, position_m=10.0),
    field_of_view=FieldOfView(range_m=(50.0, 2000.0)),
    scan_period_s=0.1,
)
MICROPHONE = SensorDescription(
    sensor_id="mic_1",
    kind="acoustic",
    sigma=MeasurementSigma(azimuth_rad=0.05, tdoa_s=1e-4),
    field_of_view=FieldOfView(),
    scan_period_s=0.5,
)
SENSORS = [RADAR, MICROPHONE]


def read(tmp_path: Path, text: str, order="arrival") -> list[HeardScan]:
    path = tmp_path / "d.csv"
    path.write_text(text)
    return read_detections(path, SENSORS, order)


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(TableError) as error:
        read(tmp_path, text)
    return str(error.value).replace(str(tmp_path), "")


def test_a_scan_with_two_rows_becomes_one_message_in_radians(tmp_path):
    heard = read(
        tmp_path,
        "time_s,arrival_s,sensor,scan,range_m,azimuth_deg,elevation_deg,range_rate_mps\n"
        "1.5,1.6,radar_1,7,100,90,30,-4\n1.5,1.7,radar_1,7,200,-45,,\n",
    )
    assert len(heard) == 1
    assert heard[0].t_arrival_ns == 1_700_000_000  # a scan is heard with its last row
    scan = heard[0].scan
    assert (scan.sensor_id, scan.scan, scan.t_ns, scan.class_names) == ("radar_1", 7, 1_500_000_000, ())
    rows = block(scan)
    np.testing.assert_allclose(rows[:, :4], [[100, np.pi / 2, np.pi / 6, -4], [200, -np.pi / 4, np.nan, np.nan]])
    assert np.isnan(rows[:, 4:]).all()


def test_an_empty_look_is_a_scan_without_detections(tmp_path):
    heard = read(tmp_path, "time_s,sensor,scan,range_m,azimuth_deg\n0.1,radar_1,1,,\n0.2,radar_1,2,50,3\n")
    assert [len(block(item.scan)) for item in heard] == [0, 1]


def test_rows_are_given_in_order_of_arrival_or_of_validity(tmp_path):
    text = (
        "time_s,arrival_s,sensor,scan,azimuth_deg\n"
        "0.3,0.31,radar_1,3,1\n0.2,0.35,mic_1,1,1\n0.1,0.12,radar_1,1,1\n0.2,0.22,radar_1,2,1\n"
    )
    by_arrival = [(h.scan.sensor_id, h.scan.scan) for h in read(tmp_path, text)]
    assert by_arrival == [("radar_1", 1), ("radar_1", 2), ("radar_1", 3), ("mic_1", 1)]
    by_validity = [(h.scan.sensor_id, h.scan.scan) for h in read(tmp_path, text, "validity")]
    assert by_validity == [("radar_1", 1), ("radar_1", 2), ("mic_1", 1), ("radar_1", 3)]


def test_without_arrival_times_the_time_of_validity_counts(tmp_path):
    assert read(tmp_path, "time_s,sensor,scan,range_m\n0.25,radar_1,0,9\n")[0].t_arrival_ns == 250_000_000


def test_a_scan_holds_only_the_classes_that_its_rows_score(tmp_path):
    heard = read(
        tmp_path,
        "time_s,sensor,scan,azimuth_deg,class_drone,class_bird\n"
        "0.1,radar_1,1,5,0.9,\n0.1,radar_1,1,6,,\n0.1,mic_1,1,5,,\n0.2,mic_1,2,5,0.25,0.75\n",
    )
    by_name = {(h.scan.sensor_id, h.scan.scan): h.scan for h in heard}
    assert by_name["radar_1", 1].class_names == ("drone",)
    np.testing.assert_array_equal(block(by_name["radar_1", 1])[:, N_COLUMNS], [0.9, np.nan])
    assert by_name["mic_1", 1].class_names == ()
    np.testing.assert_array_equal(block(by_name["mic_1", 2])[0, N_COLUMNS:], [0.25, 0.75])


def test_own_sigmas_claimed_positions_and_pairs_arrive(tmp_path):
    heard = read(
        tmp_path,
        "time_s,sensor,scan,range_m,range_sigma_m,azimuth_sigma_deg,snr_db,east_m,north_m,up_m,tdoa_s,sensor_b\n"
        "0.1,radar_1,1,100,2,1,12,,,,,\n0.2,radar_1,2,,,,,10,20,30,,\n0.3,mic_1,1,,,,,,,,0.001,radar_1\n",
    )
    first, second, third = (h.scan for h in heard)
    row = block(first)[0]
    assert (row[INDEX["range_sigma_m"]], row[INDEX["snr_db"]]) == (2.0, 12.0)
    assert row[INDEX["azimuth_sigma_rad"]] == pytest.approx(np.pi / 180.0)
    np.testing.assert_array_equal(block(second)[0, INDEX["east_m"] : INDEX["up_m"] + 1], [10, 20, 30])
    assert (third.paired_sensor_id, block(third)[0, INDEX["tdoa_s"]]) == ("radar_1", 0.001)


def test_spaces_after_commas_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path):
    path = tmp_path / "d.csv"
    path.write_bytes(b"\xef\xbb\xbftime_s, sensor, scan, range_m\r\n0.1, radar_1, 1, 100\r\n\r\n0.2, radar_1, 2, \r\n")
    assert [len(block(h.scan)) for h in read_detections(path, SENSORS)] == [1, 0]


HEAD = "time_s,sensor,scan,range_m,azimuth_deg\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "0.1,radar_1,1,5,3\n0.2,radar_1,2,1o0,3\n", "/d.csv: line 3: range_m = 1o0: must be a number"),
        (HEAD + "0.1,radar_1,1,inf,3\n", "/d.csv: line 2: range_m = inf: must be finite"),
        (HEAD + "0.1,radar_1,1,-3,3\n", "/d.csv: line 2: range_m = -3: must be within 0..1e+06"),
        (HEAD + "0.1,radar_1,1,3,500\n", "/d.csv: line 2: azimuth_deg = 500: must be within -401.07..401.07"),
        (HEAD + ",radar_1,1,3,5\n", "/d.csv: line 2: time_s = (empty): must be a number"),
        (HEAD + "-1,radar_1,1,3,5\n", "/d.csv: line 2: time_s = -1: must be within 0..4e9 s"),
        (HEAD + "0.1,radar_1,1.5,3,5\n", "/d.csv: line 2: scan = 1.5: must be an integer >= 0"),
        (
            HEAD + "0.1,lidar,1,3,5\n",
            "/d.csv: line 2: sensor = lidar: not in the sensors file, which has radar_1, mic_1",
        ),
        (HEAD + "\n0.1,radar_1,1,3\n", "/d.csv: line 3: 4 cells: must be 5, as in the header"),
        (
            HEAD + "0.1,mic_1,1,3,5\n",
            "/d.csv: line 2: range_m = 3: its sensor has no sigma.range_m in the sensors file",
        ),
        ("time_s,sensor,range_m\n", "/d.csv: column scan is missing: must have time_s, sensor, scan"),
        ("time_s,sensor,scan,azimuth_rad\n", "/d.csv: column azimuth_rad: unknown; did you mean azimuth_deg?"),
        ("time_s,time_s,sensor,scan\n", "/d.csv: column time_s stands 2 times in the header: must be once"),
        ("", "/d.csv: column time_s is missing"),
        (HEAD + "0.1,radar_1,1,3,5\n0.2,radar_1,1,3,5\n", "/d.csv: line 3: time_s = 0.2: rows of one scan must share"),
        (HEAD.strip() + ",class_drone\n0.1,radar_1,1,3,5,1.5\n", "line 2: class_drone = 1.5: must be within 0..1"),
        (HEAD.strip() + ",east_m\n0.1,radar_1,1,3,5,1.5\n", "line 2: east_m = 1.5: east_m, north_m and up_m"),
        ("time_s,sensor,scan,tdoa_s\n0.1,mic_1,1,0.1\n", "line 2: sensor_b = (empty): tdoa_s needs the id of a sensor"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path, text, message):
    assert message in refused(tmp_path, text)


def test_a_missing_file_and_a_binary_file_are_refused(tmp_path):
    with pytest.raises(TableError, match=r"nowhere\.csv: no such file"):
        read_detections(tmp_path / "nowhere.csv", SENSORS)
    (tmp_path / "b.csv").write_bytes(b"time_s,sensor,scan\n\xff\xfe\x00")
    with pytest.raises(TableError, match="not a CSV text file"):
        read_detections(tmp_path / "b.csv", SENSORS)
    (tmp_path / "b.parquet").write_bytes(b"PAR1")
    with pytest.raises(TableError, match="not a readable Parquet file"):
        read_detections(tmp_path / "b.parquet", SENSORS)


def some_scans(rng: np.random.Generator, n: int) -> list[HeardScan]:
    heard = []
    for k in range(n):
        rows = empty_rows(int(rng.integers(0, 5)), 2)
        rows[:, 0] = rng.uniform(50.0, 2000.0, len(rows))
        rows[:, 1] = rng.uniform(0.0, 6.28, len(rows))
        rows[:, N_COLUMNS:] = rng.uniform(0.0, 1.0, (len(rows), 2))
        look = FieldOfView(range_m=(50.0, 500.0), azimuth_rad=(-0.5, 0.5)) if k % 2 else None
        scan = SensorScan(
            sensor_id="radar_1",
            scan=k,
            t_ns=k * 100_000_000,
            look=look,
            class_names=("drone", "bird"),
            detections=pack(rows),
        )
        heard.append(HeardScan(t_arrival_ns=k * 100_000_000 + int(rng.integers(0, 50_000_000)), scan=scan))
    return heard


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_is_written_reads_back_the_same(tmp_path, suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    heard = some_scans(np.random.default_rng(3), 40)
    path = tmp_path / f"d.{suffix}"
    counts = write_detections(path, heard)
    assert counts == {"radar_1": sum(len(block(h.scan)) for h in heard)}
    back = read_detections(path, SENSORS)
    assert [(h.t_arrival_ns, h.scan.t_ns, h.scan.scan) for h in back] == [
        (h.t_arrival_ns, h.scan.t_ns, h.scan.scan) for h in heard
    ]
    for one, other in zip(heard, back, strict=True):
        # degrees and back costs at most two roundings
        np.testing.assert_allclose(block(other.scan)[:, :N_COLUMNS], block(one.scan)[:, :N_COLUMNS], rtol=4e-16)
        if one.scan.look is None:
            assert other.scan.look is None
        else:
            assert other.scan.look.range_m == one.scan.look.range_m
            assert other.scan.look.azimuth_rad == pytest.approx(one.scan.look.azimuth_rad, rel=4e-16)


def test_the_same_scans_are_the_same_bytes_and_nothing_else_is_left(tmp_path):
    for name in ("a.csv", "b.csv"):
        write_detections(tmp_path / name, some_scans(np.random.default_rng(3), 20))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "b.csv"]


def test_a_writer_that_fails_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("old")
    broken = HeardScan(0, SensorScan(sensor_id="radar_1", scan=0, t_ns=0, detections=b"123"))
    with pytest.raises(ValueError, match="multiple"):
        write_detections(path, [broken])
    assert path.read_text() == "old"
    with pytest.raises(TableError, match="does not exist: make it first"):
        write_detections(tmp_path / "no" / "d.csv", [])


def test_without_pyarrow_parquet_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(TableError, match=r"pip install 'vedette\[parquet\]', or use \.csv"):
        write_detections(tmp_path / "d.parquet", some_scans(np.random.default_rng(3), 2))
    assert list(tmp_path.iterdir()) == []


def test_a_hundred_thousand_rows_are_read_within_seconds(tmp_path):
    path = tmp_path / "big.csv"
    rows = "".join(f"{k // 10 / 10},radar_1,{k // 10},{100 + k % 900},{k % 360},2.5,-3.25\n" for k in range(100_000))
    path.write_text("time_s,sensor,scan,range_m,azimuth_deg,elevation_deg,range_rate_mps\n" + rows)
    start = time.perf_counter()
    heard = read_detections(path, SENSORS)
    took_s = time.perf_counter() - start
    assert len(heard) == 10_000
    assert took_s < 10.0  # measured 0.6 s; a loaded two-core machine may be ten times slower
