"""POSES, TRACKS and ALERTS files: both ways, deterministic, with clear errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from run_maker import ALERTS, alert, poses, tracks

from edge_node.tables import (
    TableError,
    read_alerts,
    read_poses,
    read_tracks,
    track_table,
    write_alerts,
    write_poses,
    write_tracks,
)


@pytest.fixture(params=["csv", "parquet"])
def suffix(request):
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    return request.param


def test_poses_read_back(tmp_path, suffix):
    given = [pose for k in range(5) for pose in poses(0.1 * k)]
    path = tmp_path / f"p.{suffix}"
    write_poses(path, given)
    for one, other in zip(sorted(given, key=lambda p: (p.t_ns, p.platform_id)), read_poses(path), strict=True):
        assert (other.platform_id, other.t_ns, other.position_m) == (one.platform_id, one.t_ns, one.position_m)
        assert other.yaw_rad == pytest.approx(one.yaw_rad, rel=4e-16)
        assert (other.velocity_mps, other.defended) == (one.velocity_mps, one.defended)
        assert other.position_sigma_m == one.position_sigma_m


def test_poses_of_another_program_get_their_velocity_from_the_positions(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(
        "time_s, platform, east_m, north_m, up_m, yaw_deg, pitch_deg, roll_deg\n"
        "2,car,20,0,0,90,0,0\n0,car,0,0,0,90,0,0\n1,car,10,0,0,90,0,0\n0,mast,5,5,9,0,0,0\n"
    )
    read = read_poses(path)
    assert [(p.t_ns, p.platform_id) for p in read] == [(0, "car"), (0, "mast"), (10**9, "car"), (2 * 10**9, "car")]
    car = [p for p in read if p.platform_id == "car"]
    assert all(p.velocity_mps == pytest.approx((10.0, 0.0, 0.0)) for p in car)
    assert car[0].yaw_rad == pytest.approx(math.pi / 2)
    assert (car[0].position_sigma_m, car[0].defended) == (0.0, False)
    assert read[1].velocity_mps == (0.0, 0.0, 0.0)


def test_a_negative_sigma_of_a_pose_is_refused(tmp_path):
    path = tmp_path / "p.csv"
    head = "time_s,platform,east_m,north_m,up_m,yaw_deg,pitch_deg,roll_deg,position_sigma_m\n"
    path.write_text(head + "0,car,0,0,0,0,0,0,-1\n")
    with pytest.raises(TableError, match=r"line 2: position_sigma_m = -1: must be >= 0"):
        read_poses(path)


def test_tracks_read_back_exactly(tmp_path, suffix):
    table = track_table(tracks(np.random.default_rng(2)))
    path = tmp_path / f"t.{suffix}"
    write_tracks(path, table)
    back = read_tracks(path)
    np.testing.assert_array_equal(back.t_ns, table.t_ns)
    np.testing.assert_array_equal(back.track_id, table.track_id)
    np.testing.assert_array_equal(back.position_m, table.position_m)  # the shortest exact text: no bit is lost
    np.testing.assert_array_equal(back.covariance_m2, table.covariance_m2)
    assert back.status == table.status
    assert list(back.classes) == ["bird", "fpv", "quadcopter", "unknown"]
    np.testing.assert_array_equal(back.classes["fpv"], table.classes["fpv"])


def test_the_columns_of_tracks_are_those_of_the_format(tmp_path):
    write_tracks(tmp_path / "t.csv", track_table(tracks(np.random.default_rng(2))))
    header = (tmp_path / "t.csv").read_text().splitlines()[0]
    assert header.startswith(
        "time_s,track_id,status,existence,east_m,north_m,up_m,v_east_mps,v_north_mps,v_up_mps,p_ee,p_en,p_eu,p_nn,p_nu,p_uu,class_"
    )


def test_no_tracks_are_a_header_alone(tmp_path):
    write_tracks(tmp_path / "t.csv", track_table([]))
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 1
    assert len(read_tracks(tmp_path / "t.csv")) == 0


def test_tentative_tracks_are_not_written():
    track_set = tracks(np.random.default_rng(2))[100]
    tentative = [
        type(t)(**{f: getattr(t, f) for f in t.__struct_fields__} | {"status": "tentative"}) for t in track_set.tracks
    ]
    assert len(tentative) > 0
    changed = type(track_set)(t_ns=track_set.t_ns, sensor_id="r", scan=1, tracks=tuple(tentative))
    assert len(track_table([changed])) == 0


def test_another_trackers_ids_may_be_words(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("time_s,track_id,east_m,north_m,up_m\n0,a-1,0,0,0\n0,b-2,1,0,0\n1,a-1,0,0,0\n")
    table = read_tracks(path)
    assert table.track_id.tolist() == [1, 2, 1]
    assert table.status == ["confirmed"] * 3
    assert np.isnan(table.covariance_m2).all()


def test_alerts_read_back_in_order_of_time(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    assert write_alerts(path, ALERTS) == len(ALERTS)
    table = read_alerts(path)
    assert table.t_ns.tolist() == sorted(a.t_ns for a in ALERTS)
    assert 'hovering, "observes"' in table.reason
    write_alerts(path, [])
    assert len(read_alerts(path)) == 0


def test_an_unknown_alert_level_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    write_alerts(path, [alert(1, 1, 2.0, "WARNING")])
    path.write_text(path.read_text().replace("WARNING", "PANIC"))
    with pytest.raises(TableError, match="line 2: level = PANIC: must be one of"):
        read_alerts(path)
