"""Radar propagation against published numbers; the source of each stands beside it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.validation.gates import DEFAULT_RADAR, DETECTIONS
from sim.propagation import radar, weather
from sim.propagation import radar_detection as detection


@pytest.mark.parametrize(("pfa", "snr_db", "swerling", "pulses", "expected"), DETECTIONS)
def test_detection_probability_is_the_published_one(pfa, snr_db, swerling, pulses, expected):
    pd = float(detection.detection_probability(detection.linear(snr_db), pfa, swerling, pulses))
    assert abs(pd - expected) <= 1e-4  # the last published digit, rounded


@pytest.mark.parametrize(("pfa", "snr_db", "swerling", "pulses", "expected"), DETECTIONS)
def test_draws_exceed_the_threshold_as_often_as_the_model_says(pfa, snr_db, swerling, pulses, expected):
    n = 20_000
    rng = np.random.default_rng(5)
    power = detection.draw_power(rng, np.full(n, detection.linear(snr_db)), swerling, pulses)
    share = float(np.mean(power > detection.threshold(pfa, pulses)))
    assert abs(share - expected) <= 4.0 * np.sqrt(expected * (1.0 - expected) / n)  # 4 sigma of a binomial


@pytest.mark.parametrize("pulses", [1, 4, 32])
@pytest.mark.parametrize(("fast", "slow"), [(2, 1), (4, 3)])
def test_fast_fluctuation_is_the_slow_one_at_one_pulse_and_what_draws_say(fast, slow, pulses):
    snr = detection.linear(np.array([-6.0, 0.0, 6.0, 12.0]))
    pd = detection.detection_probability(snr, 1e-3, fast, pulses)
    if pulses == 1:
        assert np.max(np.abs(pd - detection.detection_probability(snr, 1e-3, slow, 1))) <= 1e-12
    # An independent draw from the definition: a new cross-section for each pulse, then a complex amplitude in noise.
    rng = np.random.default_rng(pulses + 10 * fast)
    n = 20_000
    shape = 1.0 if fast == 2 else 2.0
    rcs = rng.gamma(shape, 1.0 / shape, (n, pulses, 1)) * snr
    noise = rng.normal(size=(2, n, pulses, 1)) / np.sqrt(2.0)
    power = ((np.sqrt(rcs) + noise[0]) ** 2 + noise[1] ** 2).sum(axis=1)
    drawn = (power > detection.threshold(1e-3, pulses)).mean(axis=0)
    own = np.array(
        [
            (detection.draw_power(rng, np.full(n, s), fast, pulses) > detection.threshold(1e-3, pulses)).mean()
            for s in snr
        ]
    )
    limit = 4.5 * np.sqrt(np.maximum(pd * (1.0 - pd), 1.0 / n) / n)
    assert np.all(np.abs(drawn - pd) <= limit)
    assert np.all(np.abs(own - pd) <= limit)


def test_required_snr_is_exact_and_albersheim_is_not():
    # sdr documentation (min_snr); MathWorks albersheim
    assert abs(detection.required_snr_db(0.9, 1e-6, 0) - 13.1835) <= 1e-3
    assert abs(detection.albersheim_snr_db(0.9, 1e-6) - 13.1145) <= 1e-3
    at_13_1 = float(detection.detection_probability(detection.linear(13.10), 1e-6, 0))
    assert abs(at_13_1 - 0.8888) <= 1e-3  # not 0.9


@pytest.mark.parametrize(
    ("pd", "swerling_0", "swerling_1", "swerling_3"),
    [(0.5, 11.24, 12.77, 11.95), (0.8, 12.57, 17.85, 15.31), (0.9, 13.18, 21.14, 17.30), (0.95, 13.66, 24.29, 19.10)],
)
def test_required_snr_table_at_pfa_1e_6(pd, swerling_0, swerling_1, swerling_3):
    for case, expected in ((0, swerling_0), (1, swerling_1), (3, swerling_3)):
        assert abs(detection.required_snr_db(pd, 1e-6, case) - expected) <= 0.006  # two printed digits


@pytest.mark.parametrize(("cells", "loss_db"), [(8, 4.27), (16, 2.01), (24, 1.31), (32, 0.97), (64, 0.48)])
def test_cfar_loss_at_pd_0_9(cells, loss_db):
    snr_db = np.linspace(20.0, 27.0, 70_001)
    pd = detection.cfar_detection_probability(detection.linear(snr_db), 1e-6, cells)
    needed_db = float(np.interp(0.9, pd, snr_db))
    assert abs(needed_db - detection.required_snr_db(0.9, 1e-6, 1) - loss_db) <= 0.02


def test_swerling_1_with_many_pulses_equals_its_closed_form():
    # Richards, Principles of Modern Radar, Swerling 1 for N > 1; an independent formula
    from scipy import special

    pulses, pfa = 16, 1e-6
    snr = detection.linear(np.linspace(-5.0, 15.0, 21))
    t = detection.threshold(pfa, pulses)
    x = 1.0 + 1.0 / (pulses * snr)
    closed = special.gammaincc(pulses - 1, t)
    closed = closed + x ** (pulses - 1) * special.gammainc(pulses - 1, t / x) * np.exp(-t / (1.0 + pulses * snr))
    got = detection.detection_probability(snr, pfa, 1, pulses)
    assert np.max(np.abs(got - closed)) <= 2e-5


def test_default_radar_sees_a_hundredth_of_a_square_metre_at_3_km():
    # physics page, section 1.4: 40.0, 28.0, 20.9, 15.9, 12.0 dB at 1..5 km; R90 Sw1 2.96 km, Sw3 3.70, R50 4.80
    snr = radar.snr(np.arange(1, 6) * 1000.0, 0.01, **DEFAULT_RADAR)
    assert np.max(np.abs(detection.db(snr) - [40.0, 28.0, 20.9, 15.9, 12.0])) <= 0.06
    assert abs(_range_at(0.9, 0.01, 1) / 3000.0 - 1.0) <= 0.10
    assert abs(_range_at(0.9, 0.01, 1) - 2960.0) <= 10.0
    assert abs(_range_at(0.9, 0.01, 3) - 3700.0) <= 10.0
    assert abs(_range_at(0.5, 0.01, 1) - 4800.0) <= 10.0


def test_sigma_ladder_gives_the_fourth_root_ladder_of_ranges():
    # EchoShield 1.5 : 3.0 : 5.3 : 7.9 km against -32, -20, -10, -3 dBsm
    ranges = np.array([_range_at(0.9, 10.0 ** (s / 10.0), 1) for s in (-32.0, -20.0, -10.0, -3.0)])
    assert np.max(np.abs(ranges / ranges[1] / [0.5, 1.0, 1.77, 2.63] - 1.0)) <= 0.05


def _range_at(pd: float, rcs_m2: float, swerling: detection.Swerling) -> float:
    r = np.linspace(500.0, 15_000.0, 29_001)
    p = detection.detection_probability(radar.snr(r, rcs_m2, **DEFAULT_RADAR), 1e-6, swerling)
    return float(np.interp(-pd, -p, r))


def test_accuracies_from_snr():
    # physics page, section 1.4: 5 degrees at 10/13/20 dB, 1 m cell at 13 dB
    sigma_deg = np.degrees(radar.angle_sigma_rad(np.radians(5.0), detection.linear([10.0, 13.0, 20.0])))
    assert np.max(np.abs(sigma_deg - [0.70, 0.50, 0.22])) <= 0.006
    assert abs(float(radar.resolution_sigma(1.0, detection.linear(13.0))) - 0.16) <= 0.003
    floored = float(radar.resolution_sigma(1.0, 1e9, 0.5))
    assert abs(floored - 0.5) <= 1e-6


def test_doppler_numbers():
    # physics page, section 1.5: PRF 5/10/20 kHz at 9.5 GHz
    blind = [radar.blind_speed_mps(9.5e9, prf) for prf in (5e3, 10e3, 20e3)]
    assert np.max(np.abs(np.array(blind) - [78.9, 157.8, 315.6])) <= 0.06
    away = radar.range_rate_mps(np.array([[100.0, 0.0, 0.0]]), np.array([[3.0, 40.0, 0.0]]))
    assert abs(float(away[0]) - 3.0) <= 1e-12


@pytest.mark.parametrize(
    ("surface", "gamma_db"),
    [("flatland", -20), ("farmland", -15), ("woods", -15), ("wooded_hill", -10), ("rugged_mountain", 0)],
)
def test_constant_gamma_table(surface, gamma_db):
    # MathWorks surfacegamma (Long 2001; Nathanson 1999), 10 GHz, +5 lg(f / 10 GHz)
    assert radar.gamma_db(surface, 10e9) == gamma_db
    assert abs(radar.gamma_db(surface, 1e9) - (gamma_db - 5.0)) <= 1e-9


@pytest.mark.parametrize(("gamma_db", "rcs_dbsm"), [(-20.0, -25.8), (-15.0, -20.8), (-10.0, -15.8)])
def test_clutter_in_a_cell_equals_a_small_drone(gamma_db, rcs_dbsm):
    # physics page, section 1.5: antenna at 3 m, 1 km, 5 degrees by 1 m
    cell = radar.surface_clutter_rcs_m2(1000.0, 3.0, 10.0 ** (gamma_db / 10.0), np.radians(5.0), 1.0)
    assert abs(float(detection.db(cell)) - rcs_dbsm) <= 0.06


def test_lobing_and_horizon():
    # physics page: h_r 3 m, 3 km, X band: first maximum at 7.9 m, nulls every 15.8 m; horizon 3 m / 5 m 16.3 km
    assert abs(float(radar.lobing_factor(3000.0, 3.0, 7.9, 9.5e9)) - 2.0) <= 1e-3
    assert float(radar.lobing_factor(3000.0, 3.0, 15.78, 9.5e9)) <= 0.02
    assert abs(radar.horizon_m(3.0, 5.0) - 16_300.0) <= 100.0
    assert abs(radar.horizon_m(3.0, 50.0) - 36_300.0) <= 100.0


# ITU CG-3M3J-13-ValEx rev 5.1, P.838-3: elevation [deg], frequency [GHz], rain [mm/h], tilt [deg], dB/km
ITU_RAIN = [
    (20.14335809, 14.25, 42.91007183, 90, 2.35032323),
    (20.14335809, 29.0, 42.91007183, 90, 6.83364556),
    (22.27833468, 29.0, 50.639304, 0, 9.42430244),
    (31.07699124, 14.25, 26.48052, 0, 1.58130839),
    (31.07699124, 29.0, 26.48052, 0, 5.02180189),
    (40.232036, 14.25, 33.936232, 0, 2.06173213),
    (46.35969261, 14.25, 27.13586832, 0, 1.5920842),
    (46.35969261, 29.0, 27.13586832, 0, 5.03135479),
    (48.24117054, 14.25, 63.62668149, 90, 3.72901264),
    (48.24117054, 29.0, 63.62668149, 90, 10.28699163),
    (52.67898486, 29.0, 78.2994993, 0, 13.59290086),
    (85.80459566, 29.0, 99.13558978, 90, 16.3183686),
]


@pytest.mark.parametrize(("elevation_deg", "ghz", "rain_mmph", "tilt_deg", "expected"), ITU_RAIN)
def test_rain_attenuation_is_the_itu_validation_value(elevation_deg, ghz, rain_mmph, tilt_deg, expected):
    got = weather.rain_attenuation_db_per_km(rain_mmph, ghz * 1e9, np.radians(elevation_deg), np.radians(tilt_deg))
    assert abs(got / expected - 1.0) <= 1e-4


def test_attenuation_in_clear_and_wet_air():
    # physics page, section 1.5, 25 mm/h, horizontal path, vertical polarisation; gas at 9.5 and 24 GHz
    for ghz, expected in ((9.5, 0.49), (16.0, 1.61), (24.0, 3.05), (35.0, 5.41)):
        assert abs(weather.rain_attenuation_db_per_km(25.0, ghz * 1e9) - expected) <= 0.006
    assert weather.rain_attenuation_db_per_km(0.0, 9.5e9) == 0.0
    assert abs(weather.gas_attenuation_db_per_km(9.5e9) - 0.013) <= 1e-6
    assert abs(weather.gas_attenuation_db_per_km(24e9) - 0.17) <= 1e-6
    dry = radar.snr(3000.0, 0.01, **DEFAULT_RADAR)
    wet = radar.snr(3000.0, 0.01, **DEFAULT_RADAR, attenuation_db_per_km=3.05)
    assert abs(float(detection.db(dry / wet)) - 18.3) <= 1e-9  # two ways over 3 km
