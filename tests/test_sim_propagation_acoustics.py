"""Acoustics against ISO 9613-1, published array ranges and the geometry of late sound."""

from __future__ import annotations

import numpy as np
import pytest

from sim.propagation import acoustics

# ISO 9613-1 table rows (python-acoustics test data): T [C], RH [%], exact midbands 125 Hz .. 8 kHz, dB/km
ISO_9613_1 = [
    (-20.0, 10.0, [1.2, 1.43, 1.52, 1.65, 2.1, 3.86, 10.9]),
    (-15.0, 30.0, [0.979, 2.97, 6.52, 9.44, 11.0, 13.1, 20.3]),
    (25.0, 80.0, [0.262, 0.963, 2.95, 6.35, 10.7, 21.1, 59.8]),
]


@pytest.mark.parametrize(("temperature_c", "humidity", "expected"), ISO_9613_1)
def test_absorption_is_the_iso_table(temperature_c, humidity, expected):
    midband_hz = 1000.0 * 10.0 ** (0.3 * np.arange(-3, 4))
    got = 1000.0 * acoustics.absorption_db_per_m(midband_hz, temperature_c, humidity)
    assert np.max(np.abs(got / np.array(expected) - 1.0)) <= 0.005


def test_absorption_is_the_octave_table_of_iso_9613_2():
    octaves = 1000.0 * 10.0 ** (0.3 * np.arange(-4, 4))  # exact midbands 63 Hz .. 8 kHz
    got = 1000.0 * acoustics.absorption_db_per_m(octaves, 20.0, 70.0)
    assert np.max(np.abs(got - [0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6])) <= 0.05


def test_speed_of_sound():
    got = [acoustics.speed_of_sound_mps(t) for t in (-20.0, 0.0, 15.0, 20.0, 40.0)]
    assert np.max(np.abs(np.array(got) - [318.9, 331.3, 340.3, 343.2, 354.7])) <= 0.06


@pytest.mark.parametrize(
    ("source_dba", "noise_dba", "microphones", "range_m"),
    [(72, 40, 4, 39), (72, 30, 4, 118), (72, 40, 32, 106), (88, 45, 32, 331), (88, 75, 32, 13)],
)
def test_range_budget(source_dba, noise_dba, microphones, range_m):
    # physics page, section 3.3: 5 dB/km, threshold 6 dB; the last is an idling diesel at the microphones
    r = np.linspace(5.0, 2000.0, 19_951)
    snr = acoustics.array_snr_db(acoustics.received_level_db(source_dba, r, 0.005), noise_dba, microphones)
    assert abs(float(np.interp(-6.0, -snr, r)) / range_m - 1.0) <= 0.04  # printed in whole metres


def test_doubling_the_distance_costs_6_db():
    two = acoustics.received_level_db(80.0, np.array([50.0, 100.0]), 0.0)
    assert abs(float(two[0] - two[1]) - 6.02) <= 0.01  # Kloet 2017: 6 dB a doubling


def test_directivity_is_10_db_at_45_degrees_below_and_conserves_power():
    gain = acoustics.rotor_directivity_db(np.radians([-30.0, 0.0, 45.0, 90.0]))
    assert np.allclose(gain - gain[1], [0.0, 0.0, 10.0, 0.0], atol=1e-9)
    below = np.linspace(-np.pi / 2, np.pi / 2, 200_001)
    power = 10.0 ** (acoustics.rotor_directivity_db(below) / 10.0) * np.cos(below)
    mean = float(np.trapezoid(power, below)) / 2.0
    assert abs(10.0 * np.log10(mean)) <= 0.01


def test_lag_angle_of_crossing_targets():
    c = acoustics.speed_of_sound_mps(20.0)
    got = np.degrees([acoustics.lag_angle_rad(v, c) for v in (10.0, 20.0, 30.0, 50.0)])
    assert np.max(np.abs(got - [1.7, 3.3, 5.0, 8.3])) <= 0.06


def test_doppler_factor_of_sound():
    c = acoustics.speed_of_sound_mps(20.0)
    assert abs(acoustics.doppler_factor(50.0, c) - 1.1705) <= 2e-4
    assert abs(acoustics.doppler_factor(-50.0, c) - 0.8728) <= 2e-4


@pytest.mark.parametrize(("distance_m", "delay_s"), [(100, 0.29), (300, 0.87), (500, 1.46), (1000, 2.91)])
def test_a_source_at_rest_is_heard_late(distance_m, delay_s):
    c = acoustics.speed_of_sound_mps(20.0)
    position = np.array([0.0, float(distance_m), 0.0])
    emitted = acoustics.emission_time_s(lambda t: (position, np.zeros(3)), np.zeros(3), 10.0, c)
    assert abs(10.0 - emitted - delay_s) <= 0.006


def test_emission_time_solves_its_equation_on_a_curved_path():
    c = 340.3

    def circle(t: float) -> tuple[np.ndarray, np.ndarray]:
        a = 50.0 / 60.0 * t
        p = np.array([60.0 * np.cos(a), 60.0 * np.sin(a) + 300.0, 40.0])
        return p, 50.0 * np.array([-np.sin(a), np.cos(a), 0.0])

    for arrival in np.linspace(0.0, 20.0, 41):
        emitted = acoustics.emission_time_s(circle, np.zeros(3), float(arrival), c)
        distance = float(np.linalg.norm(circle(emitted)[0]))
        assert abs(distance - c * (arrival - emitted)) <= 1e-4


def test_blade_lines_of_published_drones():
    assert acoustics.blade_passing_hz(2, 5175) == pytest.approx(172.5)
    assert acoustics.blade_passing_hz(3, 4600) == pytest.approx(230.0)
    assert acoustics.blade_passing_hz(3, 5050) == pytest.approx(252.5)


def test_limits_of_sound_power_are_those_of_the_regulation():
    # Delegated Regulation (EU) 2019/945, annex part 15
    assert [acoustics.sound_power_limit_dba("C1", 0.6, years) for years in (0, 2, 4, 9)] == [85.0, 83.0, 81.0, 81.0]
    assert acoustics.sound_power_limit_dba("C2", 0.9) == 85.0
    assert abs(acoustics.sound_power_limit_dba("C2", 4.0, 2) - (83.0 + 18.5 * np.log10(4.0 / 0.9))) <= 1e-12
    for eu_class, mass in (("C1", 1.0), ("C2", 0.5), ("C2", 5.0), ("C0", 0.2)):
        with pytest.raises(ValueError, match="limits are for"):
            acoustics.sound_power_limit_dba(eu_class, mass)
