"""Radar slow time: Doppler of the body, flashes of blades, beats of wings, Pd against the plot-level radar."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.validation.sensor_bench import Bench, moving, origin, sensor, target_type
from messages.frames import F64
from sim.propagation import radar_detection
from sim.propagation.radar import wavelength_m
from sim.sensors.jamming import Jammer
from sim.sensors.radar import Radar
from sim.signals.radar_echo import Echo, EchoMaker, blade_echo, dwells, echoes

MINI = target_type("mini_quadcopter", swerling=0)
GULL = target_type("bird_flapping", swerling=0)
LAMBDA_M = wavelength_m(9.5e9)


def scene(kind: Any, range_m: float, closing_mps: float, up: float = 0.3) -> tuple[Radar, Bench]:
    direction = np.array([0.6, 0.8, up]) / np.sqrt(1.0 + up * up)
    model = sensor("radar", kind)
    assert isinstance(model, Radar)
    return model, moving([origin() + range_m * direction], -closing_mps * direction)


def echo_of(kind: Any, range_m: float, closing_mps: float, seconds: float, seed: int = 1, up: float = 0.3) -> Echo:
    model, bench = scene(kind, range_m, closing_mps, up)
    (echo,) = echoes(model, bench, [kind], 0.0, seconds, np.random.default_rng(seed))
    return echo


def strongest_line_hz(series: F64, rate_hz: float, low_hz: float, high_hz: float) -> float:
    window = np.hanning(len(series))
    spectrum = np.abs(np.fft.rfft((series - series.mean()) * window, 4 * len(series)))
    frequency = np.fft.rfftfreq(4 * len(series), 1.0 / rate_hz)
    inside = (frequency > low_hz) & (frequency < high_hz)
    return float(frequency[inside][int(np.argmax(spectrum[inside]))])


@pytest.mark.parametrize(("blades", "flashes"), [(2, 2), (3, 6), (4, 4), (5, 10)])
def test_even_rotors_flash_once_a_blade_and_odd_ones_twice(blades: int, flashes: int) -> None:
    turn = np.linspace(0.0, 1.0, 20_000, endpoint=False) + 0.013
    power = np.abs(blade_echo(turn, blades, 0.25, LAMBDA_M, 1.0)) ** 2
    peaks = (power > 0.5 * power.max()) & ~np.roll(power > 0.5 * power.max(), 1)
    assert int(peaks.sum()) == flashes


def test_a_blade_is_the_sum_of_its_points() -> None:
    turn = np.array([0.03, 0.21, 0.247, 0.6])
    arm = 0.25 * (0.15 + 0.85 * (np.arange(4000) + 0.5) / 4000)
    points = np.exp(-4j * np.pi / LAMBDA_M * 0.9 * np.cos(2.0 * np.pi * turn)[:, None] * arm).mean(axis=1)
    assert blade_echo(turn, 1, 0.25, LAMBDA_M, 0.9) == pytest.approx(points, abs=1e-6)


def test_the_body_has_the_doppler_of_its_range_rate_and_its_budgeted_power() -> None:
    echo = echo_of(MINI, 600.0, 15.0, 0.3)
    model, _ = scene(MINI, 600.0, 15.0)
    rate, power = dwells(echo, round(model.profile.dwell_s * echo.prf_hz))
    peak = rate[np.argmax(power.mean(axis=0))]
    assert peak == pytest.approx(float(echo.range_rate_mps.mean()), abs=float(rate[1] - rate[0]))
    assert echo.range_rate_mps.mean() == pytest.approx(-15.0, abs=0.3)
    # The body alone, matched to its own phase: all of its power in one number.
    n = round(model.profile.dwell_s * echo.prf_hz)
    turned = (echo.iq * np.exp(4j * np.pi / LAMBDA_M * echo.range_m))[: len(echo.iq) // n * n].reshape(-1, n)
    snr = np.mean(np.abs(turned.sum(axis=1)) ** 2) / n - 1.0
    assert 10.0 * np.log10(snr) == pytest.approx(float(echo.snr_db.mean()), abs=1.0)


def test_flashes_come_at_the_blade_rate() -> None:
    solo = target_type("mini_quadcopter", swerling=0, rotor={"rotors": 1})
    echo = echo_of(solo, 80.0, 5.0, 1.0)
    still = echo.iq * np.exp(4j * np.pi / LAMBDA_M * echo.range_m)
    # What is left without body and ground, as power: pulses at two blades times 93.3 revolutions a second.
    spectrum = np.fft.fft(still)
    f = np.abs(np.fft.fftfreq(len(still), 1.0 / echo.prf_hz))
    blades = np.abs(np.fft.ifft(np.where(f > 1200.0, spectrum, 0.0))) ** 2
    expected = 2.0 * solo.rotor.revolutions_per_minute / 60.0
    assert strongest_line_hz(blades, echo.prf_hz, 60.0, 300.0) == pytest.approx(expected, rel=0.015)  # trim 0.4 %


def test_wings_beat_at_the_catalogue_rate() -> None:
    echo = echo_of(GULL, 150.0, 11.0, 4.0, up=0.6)
    turned = echo.iq * np.exp(4j * np.pi / LAMBDA_M * echo.range_m)
    low = turned[: len(turned) // 50 * 50].reshape(-1, 50).mean(axis=1)  # 198 Hz: body and wings, little noise
    beat_hz = GULL.rotor.revolutions_per_minute / 60.0
    line = strongest_line_hz(np.abs(low), echo.prf_hz / 50.0, 2.0, 9.0)
    # The path of the tips is a sine: lines at the beat and its double.
    assert min(abs(line - beat_hz), abs(line - 2.0 * beat_hz)) <= 0.15


@pytest.mark.parametrize("snr_db", [10.5, 12.0])
def test_pd_of_dwells_is_that_of_the_plot_level_radar(snr_db: float) -> None:
    """The band: 0.1; three standard errors of 400 dwells of a steady target are 0.075, and blades add a little."""
    near = echo_of(MINI, 1000.0, 20.0, 0.05)
    # As far as gives the SNR: the fourth power of the range (clear air and the change of aspect are small).
    range_m = 1000.0 * 10.0 ** ((float(near.snr_db[0]) - snr_db) / 40.0)
    model, bench = scene(MINI, range_m, 20.0)
    maker = EchoMaker(model, bench, 0.0, 400 * model.profile.dwell_s + 0.01)
    n, echo = maker.pulses_per_dwell, maker.echo(0, MINI, np.random.default_rng(1))
    turned = (echo.iq * np.exp(4j * np.pi / LAMBDA_M * echo.range_m))[: len(echo.iq) // n * n].reshape(-1, n)
    found = float(np.mean(np.abs(turned.sum(axis=1)) ** 2 / n > model.threshold))
    snr = 10.0 ** (echo.snr_db / 10.0)
    expected = float(radar_detection.detection_probability(snr, model.profile.false_alarm_probability, 0).mean())
    assert 0.02 <= expected <= 0.98  # else the comparison says little
    assert found == pytest.approx(expected, abs=0.1)


def test_the_ground_stays_at_zero_and_the_same_seed_gives_the_same_echo() -> None:
    one, two = echo_of(MINI, 400.0, 10.0, 0.2, seed=3, up=0.02), echo_of(MINI, 400.0, 10.0, 0.2, seed=3, up=0.02)
    assert np.array_equal(one.iq, two.iq)
    rate, power = dwells(one, 137)
    mean = power.mean(axis=0)
    slow = np.abs(rate) <= 1.0
    assert mean[slow].max() > 10.0 * np.median(mean)


def test_swerling_one_fluctuates_like_rayleigh() -> None:
    model, bench = scene(target_type("mini_quadcopter"), 500.0, 10.0)
    maker = EchoMaker(model, bench, 0.0, 60.0)
    power = maker._fluctuation(1, np.random.default_rng(2)) ** 2
    # 600 independent draws: mean 1 within 4 / sqrt(600), and an exponential's variance of 1.
    assert power.mean() == pytest.approx(1.0, abs=0.16)
    assert np.mean(power > 1.0) == pytest.approx(np.exp(-1.0), abs=0.08)


def test_a_jammer_raises_the_noise() -> None:
    model, bench = scene(MINI, 4000.0, 10.0)
    level = []
    for jammers in ((), (Jammer(15.0),)):
        maker = EchoMaker(model, bench, 0.0, 1.0, lambda t_s, jammers=jammers: jammers)
        level.append(float(np.mean(np.abs(maker.echo(0, MINI, np.random.default_rng(1)).iq) ** 2)))
    assert 10.0 * np.log10(level[1] / level[0]) == pytest.approx(15.0, abs=1.5)  # the target adds a little to both
