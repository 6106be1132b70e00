"""The direction finder: nothing from what is silent, hops met by chance, bearings in azimuth only."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.validation.sensor_bench import at_rest, causes, column, looks, ring, sensor, target_type
from messages.detections import INDEX


@pytest.mark.parametrize("name", ["fpv_fibre", "fpv_autonomous", "bird_flapping"])
def test_silent_targets_never_give_a_detection(name):
    model = sensor("rf", target_type(name), 200)
    seen = looks(model, at_rest(ring(200, 100.0)), 500)  # 1e5 target looks
    assert sum(len(o.rows) for o in seen) == 0
    assert not np.any([o.detection_probability for o in seen])


def test_a_link_that_is_switched_off_is_gone():
    model = sensor("rf", target_type("fpv_analogue"))
    assert len(causes(looks(model, at_rest(ring(1, 500.0)), 20))) == 20
    assert len(causes(looks(model, at_rest(ring(1, 500.0), emitting=False), 500))) == 0


def test_rows_hold_a_bearing_and_no_elevation_or_range():
    rows = looks(sensor("rf", target_type("fpv_analogue")), at_rest(ring(1, 500.0)), 1)[0].rows
    assert np.isfinite(rows[:, INDEX["azimuth_rad"]]).all()
    for name in ("range_m", "elevation_rad", "range_rate_mps", "tdoa_s"):
        assert np.isnan(rows[:, INDEX[name]]).all()


def test_a_hop_is_met_as_often_as_the_bands_overlap():
    # One 20 MHz tuning on an 80 MHz hop set, dwell of five hops: 1 - 0.75^5 = 0.763 (physics page: 0.76)
    hopper = target_type(
        "fpv_fhss",
        emissions=[
            {
                "kind": "fhss",
                "frequency_hz": 2.44e9,
                "bandwidth_hz": 812e3,
                "hop_band_hz": 80e6,
                "hop_period_s": 0.016,
                "eirp_dbm": 20.0,
            }
        ],
    )
    model = sensor(
        "rf",
        hopper,
        bands=[{"low_hz": 2.43e9, "high_hz": 2.45e9}],
        instantaneous_bandwidth_hz=20e6,
        dwell_s=0.08,
        scan_period_s=0.08,
    )
    seen = looks(model, at_rest(ring(1, 100.0)), 2000)
    assert abs(seen[0].detection_probability[0] - 0.763) <= 0.001
    share = len(causes(seen)) / 2000
    assert abs(share - 0.763) <= 4.0 * np.sqrt(0.763 * 0.237 / 2000)


def test_two_emitters_in_one_beam_are_one_bearing():
    one = ring(1, 500.0)
    near = np.concatenate([one, one + 5.0])
    video = target_type("fpv_analogue").emissions[:1]  # both on the one channel that is always on the air
    model = sensor("rf", target_type("fpv_analogue", emissions=[e.model_dump() for e in video]), 2)
    assert max(len(o.rows) for o in looks(model, at_rest(near), 100)) == 1
    assert max(len(o.rows) for o in looks(model, at_rest(ring(2, 500.0)), 100)) == 2


def test_remote_id_claims_a_position():
    place = ring(1, 300.0)
    model = sensor("rf", target_type("civil_quadcopter"), bands=[{"low_hz": 2.4e9, "high_hz": 2.4835e9}])
    seen = looks(model, at_rest(place), 800)
    claimed = np.column_stack([column(seen, name) for name in ("east_m", "north_m", "up_m")])
    claimed = claimed[~np.isnan(claimed[:, 0])]
    assert len(claimed) > 100
    assert np.max(np.abs(claimed.mean(axis=0) - place[0])) <= 4.0 * 7.5 / np.sqrt(len(claimed))
    plain = looks(sensor("rf", target_type("civil_quadcopter"), decodes_remote_id=False), at_rest(place), 100)
    assert np.isnan(column(plain, "east_m")).all()
