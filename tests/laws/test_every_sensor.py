"""The law of the family of sensors: unbiased, as accurate as it says, as likely as it says, blind behind cover."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.validation.sensor_bench import (
    PROFILES,
    at_rest,
    causes,
    column,
    enu_of,
    looks,
    moving,
    origin,
    ring,
    sensor,
    target_type,
)
from messages.detections import INDEX, N_COLUMNS, pack
from messages.frames import body_azimuth_elevation_range, wrap_pi

KINDS = tuple(PROFILES)
TYPES = {
    "radar": "fpv_analogue",
    "eo": "fpv_analogue",
    "ir": "fpv_analogue",
    "acoustic": "fpv_analogue",
    "rf": "fpv_analogue",
}
NEAR_M = {"radar": 300.0, "eo": 60.0, "ir": 40.0, "acoustic": 40.0, "rf": 300.0}
# Where the nominal drone is seen in some looks and missed in others (measured against the model, not assumed).
HALF_M = {"radar": 4000.0, "eo": 640.0, "ir": 360.0, "acoustic": 560.0, "rf": 4000.0}


def receding(kind, **changes):
    """A bench with one near target that a Doppler radar sees as well."""
    place = ring(1, NEAR_M[kind], 12.0)
    velocity = 1e-6 * np.ones(3) if kind != "radar" else 12.0 * (place[0] - origin()) / NEAR_M[kind]
    return moving(place, velocity, **changes), place[0] - origin()


@pytest.mark.parametrize("kind", KINDS)
def test_measurements_are_unbiased_and_as_accurate_as_stated(kind):
    bench, offset = receding(kind)
    model = sensor(kind, target_type(TYPES[kind]))
    seen = looks(model, bench, 1500)
    rows = np.concatenate([o.rows for o in seen])
    n = len(rows)
    assert n >= 1250
    rotation = np.column_stack([enu_of(0.0, 0.0), enu_of(-np.pi / 2, 0.0), enu_of(0.0, np.pi / 2)])
    azimuth, elevation, distance = body_azimuth_elevation_range(offset @ rotation)
    expected = {"range_m": distance, "azimuth_rad": azimuth, "elevation_rad": elevation, "range_rate_mps": 12.0}
    for name, truth in expected.items():
        got = rows[:, INDEX[name]]
        if np.isnan(got).all():
            continue
        error = wrap_pi(got - truth) if "azimuth" in name else got - truth
        stem, unit = name.rsplit("_", 1)
        z = error / rows[:, INDEX[f"{stem}_sigma_{unit}"]]
        assert abs(float(np.mean(z))) <= 4.0 / np.sqrt(n), name
        assert abs(float(np.std(z)) - 1.0) <= 4.0 / np.sqrt(2.0 * n), name  # 8 %


@pytest.mark.parametrize("kind", KINDS)
def test_measured_angles_point_at_the_target_through_the_shared_frames(kind):
    bench, offset = receding(kind)
    seen = looks(sensor(kind, target_type(TYPES[kind])), bench, 800)
    azimuth, elevation = column(seen, "azimuth_rad"), column(seen, "elevation_rad")
    truth = offset / np.linalg.norm(offset)
    if kind == "rf":
        # An azimuth in tilted axes: compare in the sensor's own plane, with the true elevation there.
        rotation = np.column_stack([enu_of(0.0, 0.0), enu_of(-np.pi / 2, 0.0), enu_of(0.0, np.pi / 2)])
        elevation = np.full(len(azimuth), body_azimuth_elevation_range(offset @ rotation)[1])
    mean = np.mean(enu_of(azimuth, elevation), axis=0)
    sigma = float(np.nanmean(column(seen, "azimuth_sigma_rad")))
    assert np.linalg.norm(mean - truth) <= 6.0 * sigma / np.sqrt(len(azimuth)) + sigma**2


@pytest.mark.parametrize("kind", KINDS)
def test_targets_are_found_as_often_as_the_model_says(kind):
    n, count = 40, 260  # 10 400 target looks; the targets stand far enough apart never to merge
    place = ring(n, HALF_M[kind], 10.0)
    bench = moving(place, [0.0, 0.0, 0.0])
    if kind == "radar":
        bench = moving(place, 0.0)
        bench.velocity_mps = 12.0 * (place - origin()) / HALF_M[kind]
    model = sensor(kind, target_type(TYPES[kind]), n, field_of_view={"range_m": [1.0, 30_000.0]})
    if kind == "acoustic":
        model.profile = model.profile.model_copy(
            update={"array_diameter_m": 20.0}
        )  # beams narrower than the ring's gaps
    if kind == "rf":
        model.profile = model.profile.model_copy(update={"aperture_m": 4.0})
    seen = looks(model, bench, count)
    modelled = np.array([o.detection_probability for o in seen])
    assert 0.1 <= modelled.mean() <= 0.9
    found = np.bincount(causes(seen), minlength=n).sum()
    expected, sigma = modelled.sum(), np.sqrt((modelled * (1.0 - modelled)).sum())
    assert abs(found - expected) <= 4.0 * sigma + 1e-3 * expected


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_comes_from_behind_the_ground(kind):
    bench, _ = receding(kind)
    hidden, _ = receding(kind, seen=False)
    hidden.terrain.wall_m = 5000.0
    if kind == "acoustic":  # nearer than the wall's inner edge otherwise
        hidden.position_m = ring(1, 120.0, 12.0)
    model = sensor(kind, target_type(TYPES[kind]))
    assert len(causes(looks(model, bench, 20))) > 0
    seen = looks(model, hidden, 300)
    if kind in ("radar", "eo", "ir"):
        assert len(causes(seen)) == 0
        assert all(o.detection_probability[0] == 0.0 for o in seen)
    elif NEAR_M[kind] > 60.0 or kind == "acoustic":
        assert len(causes(seen)) == 0


@pytest.mark.parametrize("kind", ["radar", "eo", "ir", "rf"])
def test_the_own_vehicle_masks(kind):
    bench, _ = receding(kind, past_own_hull=False)
    seen = looks(sensor(kind, target_type(TYPES[kind])), bench, 200)
    if kind == "rf":  # a mast's own vehicle weakens a signal like trees do
        strong, _ = receding(kind)
        model = sensor(kind, target_type(TYPES[kind]))
        assert np.mean(column(seen, "snr_db")) < np.mean(column(looks(model, strong, 200), "snr_db")) - 10.0
    else:
        assert len(causes(seen)) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_false_alarms_are_poisson_inside_the_field_of_view(kind):
    model = sensor(kind, target_type(TYPES[kind]), false_alarms_per_scan=3.0)
    seen = looks(model, at_rest([0.0, 0.0, 40_000.0]), 1200)
    counts = np.array([len(o.rows) for o in seen])
    n = len(counts)
    assert abs(counts.mean() - 3.0) <= 4.0 * np.sqrt(3.0 / n)
    # variance of the sample variance of a Poisson variable: (3 m^2 + m) / n - m^2 (n - 3) / (n (n - 1))
    assert abs(counts.var() - 3.0) <= 4.0 * np.sqrt((2.0 * 9.0 + 3.0) / n)
    assert set(causes(seen).tolist()) == {-1}
    azimuth = column(seen, "azimuth_rad")
    # Uniform around the clock: the mean direction of N uniform angles is within 3.7 / sqrt(N) of nothing (1e-6).
    assert abs(np.mean(np.exp(1j * azimuth))) <= 3.8 / np.sqrt(len(azimuth))
    if kind == "radar":
        low, high = model.description.field_of_view.range_m
        u = (column(seen, "range_m") - low) / (high - low)
        assert abs(u.mean() - 0.5) <= 4.0 / np.sqrt(12.0 * len(u))
        assert np.min(np.abs(column(seen, "range_rate_mps"))) >= model.description.doppler_notch_mps


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_bytes(kind):
    def play(seed):
        bench, _ = receding(kind)
        model = sensor(kind, target_type(TYPES[kind]), false_alarms_per_scan=2.0)
        rng = np.random.default_rng(seed)
        return [pack(model.observe(bench, 0.25 * k, rng).rows) for k in range(30)]

    assert play(1) == play(1)
    assert play(1) != play(2)


@pytest.mark.parametrize("kind", KINDS)
def test_the_description_is_honest_for_the_nominal_drone(kind):
    model = sensor(kind, target_type(TYPES[kind]), false_alarms_per_scan=1.5)
    said = model.description
    low, high = said.field_of_view.range_m
    assert said.clutter_per_scan == 1.5
    assert high == pytest.approx(min(high, model.range_m[1]))
    edge = model.nominal_probability(np.array([high, high * 1.02]))
    assert edge[0] >= 0.149
    assert edge[1] < 0.15 or high == model.range_m[1]
    inside = model.nominal_probability(np.linspace(max(low, 1.0), high, 2000))
    assert abs(float(inside.mean()) - said.detection_probability) <= 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_rows_keep_to_the_table(kind):
    bench, _ = receding(kind)
    model = sensor(kind, target_type(TYPES[kind]), false_alarms_per_scan=20.0)
    rows = np.concatenate([o.rows for o in looks(model, bench, 200)])
    names = model.class_model.names
    assert rows.shape[1] == N_COLUMNS + len(names)
    assert np.isfinite(rows[:, INDEX["azimuth_rad"]]).all()
    scores = rows[:, N_COLUMNS:]
    assert np.all((scores >= 0.0) & (scores <= 1.0))
    measured = ~np.isnan(rows[:, :N_COLUMNS]).all(axis=0)
    for name, sigma in (("range_m", "range_sigma_m"), ("elevation_rad", "elevation_sigma_rad")):
        assert measured[INDEX[name]] == measured[INDEX[sigma]]
