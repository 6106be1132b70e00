"""The radar model: Doppler notch, own motion, dead zone overhead, resolution, accuracy from SNR."""

from __future__ import annotations

import numpy as np

from benchmarks.validation.sensor_bench import at_rest, causes, column, looks, moving, origin, ring, sensor, target_type
from messages.detections import N_COLUMNS
from sim.propagation import radar_detection

FPV = target_type("fpv_analogue")


def unit(place):
    offset = place - origin()
    return offset / np.linalg.norm(offset, axis=-1, keepdims=True)


def test_a_crossing_or_hovering_target_vanishes_in_the_notch():
    model = sensor("radar", FPV)
    place = ring(1, 400.0, 5.0)
    across = np.cross(unit(place), [0.0, 0.0, 1.0])
    for velocity in (0.0 * across, 30.0 * across, 1.9 * unit(place)):
        seen = looks(model, moving(place, velocity), 100)
        assert len(causes(seen)) == 0
        assert seen[0].detection_probability[0] == 0.0
    for velocity in (2.1 * unit(place), -2.1 * unit(place), 30.0 * across + 3.0 * unit(place)):
        assert looks(model, moving(place, velocity), 1)[0].detection_probability[0] > 0.9


def test_the_notch_is_over_ground_and_grows_with_own_motion():
    model = sensor("radar", FPV)
    place = ring(1, 400.0, 5.0)
    toward = unit(place)[0] * 10.0
    # Driving at a hovering target closes at 10 m/s, and it is still in the clutter of the ground around it.
    assert looks(model, moving(place, 0.0, platform_velocity_mps=toward), 1)[0].detection_probability[0] == 0.0
    slow = 2.3 * unit(place)
    across = np.cross(unit(place)[0], [0.0, 0.0, 1.0]) * 10.0
    assert looks(model, moving(place, slow), 1)[0].detection_probability[0] > 0.9
    # 10 m/s across smears the clutter by 10 * 5 degrees / 2 = 0.44 m/s
    assert looks(model, moving(place, slow, platform_velocity_mps=across), 1)[0].detection_probability[0] == 0.0


def test_range_rate_has_own_motion_removed():
    place = ring(1, 400.0, 5.0)
    velocity = 15.0 * unit(place)
    bench = moving(place, velocity, platform_velocity_mps=-12.0 * unit(place)[0])
    rate = column(looks(sensor("radar", FPV), bench, 400), "range_rate_mps")
    assert abs(rate.mean() - 15.0) <= 4.0 * 0.35 / np.sqrt(len(rate))


def test_overhead_is_a_dead_zone():
    model = sensor("radar", FPV)
    for elevation_deg, visible in ((50.0, True), (70.0, False), (89.0, False)):
        place = ring(1, 300.0, elevation_deg)
        bench = moving(place, 20.0 * unit(place), attitude_rad=(0.0, 0.0, 0.0))
        seen = looks(model, bench, 20)
        assert (seen[0].detection_probability[0] > 0.5) == visible
        assert (len(causes(seen)) > 0) == visible


def test_accuracy_follows_snr():
    model = sensor("radar", FPV)
    far, near = (looks(model, moving(p := ring(1, r), 15.0 * unit(p)), 300) for r in (3500.0, 800.0))
    for seen in (far, near):
        snr = radar_detection.linear(column(seen, "snr_db"))
        expected = np.hypot(np.radians(0.4), np.radians(8.0) / 1.6 / np.sqrt(2.0 * snr))
        assert np.max(np.abs(column(seen, "elevation_sigma_rad") / expected - 1.0)) <= 1e-9
    assert np.median(column(far, "elevation_sigma_rad")) > np.median(column(near, "elevation_sigma_rad"))


def test_two_targets_in_one_cell_are_one_plot():
    model = sensor("radar", FPV, 2)
    place = ring(1, 1000.0, 5.0)
    close = np.concatenate([place, place + 0.4 * unit(place)])
    apart = np.concatenate([place, place + 30.0 * unit(place)])
    for both, plots in ((close, 1), (apart, 2)):
        seen = looks(model, moving(both, 15.0 * unit(place)), 200)
        most = max(len(o.rows) for o in seen)
        assert most == plots
    ranges = column(looks(model, moving(close, 15.0 * unit(place)), 200), "range_m")
    assert abs(ranges.mean() - 1000.2) <= 0.2 + 4.0 * 1.1 / np.sqrt(len(ranges))


def test_rain_shortens_the_range():
    far = np.array([4000.0])
    dry = float(sensor("radar", FPV).nominal_probability(far)[0])
    wet = float(sensor("radar", FPV, environment={"rain_mm_per_h": 50.0}).nominal_probability(far)[0])
    assert wet < dry - 0.2  # 1.2 dB/km at 9.5 GHz, two ways over 4 km


def test_micro_doppler_is_never_better_than_95_percent():
    model = sensor("radar", FPV, class_confidence=1.0)
    place = ring(1, 60.0, 5.0)
    seen = [looks(model, moving(place, 15.0 * unit(place)), 1, seed=k, t_s=100.0 * k)[0] for k in range(600)]
    scores = np.concatenate([o.rows[:, N_COLUMNS:] for o in seen])
    right = float(np.mean(np.argmax(scores, axis=1) == model.class_model.names.index("drone")))
    assert abs(right - 0.95) <= 4.0 * np.sqrt(0.95 * 0.05 / len(scores)) + 0.01  # and so is the quality's last per cent


def test_a_target_beyond_the_unambiguous_speed_comes_round_from_the_other_side():
    model = sensor("radar", FPV)
    place = ring(1, 500.0, 5.0)
    rate = column(looks(model, moving(place, 90.0 * unit(place)), 100), "range_rate_mps")
    assert abs(rate.mean() - (90.0 - 2.0 * 78.0)) <= 0.2


def test_aspect_changes_the_cross_section_by_the_types_own_sigma():
    varied = target_type("fpv_analogue", rcs_aspect_sigma_db=4.0)
    table = sensor("radar", varied, 400).targets
    aspect = np.linspace(0.0, 2.0 * np.pi, 400, endpoint=False)
    trend = np.array([10.0 * np.log10(table.rcs_m2(np.full(400, i), aspect)) + 20.0 for i in range(400)])
    assert abs(trend.mean()) <= 0.01  # the mean over aspect is exact for every target
    assert abs(trend.std() - 4.0) <= 4.0 * 4.0 / np.sqrt(2.0 * 400 * 6)  # six independent numbers a target
    assert at_rest([0.0, 100.0, 10.0]).terrain.ground_at(0.0, 0.0) == 0.0
