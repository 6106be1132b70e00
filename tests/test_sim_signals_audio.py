"""Sound at the microphones: level, delay, Doppler and bearing against the plot-level model and theory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.validation.sensor_bench import Bench, at_rest, moving, origin, sensor, target_type
from detectors.rotor_comb import find_comb
from messages.detections import INDEX
from messages.frames import F64, body_azimuth_elevation_range, body_direction
from sim.propagation import acoustics
from sim.signals.audio import ArraySound, array_sound
from sim.signals.motion import emission_times, track_of
from sim.signals.rotors import manoeuvre_speed
from sim.signals.sound_levels import a_weighting, level_dba, noise, surroundings

MINI = target_type("mini_quadcopter")
SOLO = target_type("mini_quadcopter", rotor={"rotors": 1})  # one rotor: one comb, a pitch without beats
RATE_HZ = 22_050.0


def made(bench: Bench, seconds: float = 1.0, microphones: int = 4, kind: Any = MINI, t_s: float = 20.0) -> ArraySound:
    model = sensor("acoustic", kind)
    model.profile = model.profile.model_copy(update={"microphones": microphones})
    return ArraySound(model, bench, t_s, seconds)


@pytest.mark.parametrize(("band", "db"), [(-15, -39.4), (-9, -16.1), (0, 0.0), (6, 1.0), (9, -1.1)])
def test_a_weighting_is_that_of_the_standard(band: int, db: float) -> None:
    midband_hz = 1000.0 * 10.0 ** (band / 10.0)
    assert 20.0 * np.log10(a_weighting(midband_hz)) == pytest.approx(db, abs=0.1)  # IEC 61672-1, table 3


def test_noise_has_the_level_that_was_asked_for() -> None:
    record = noise(np.random.default_rng(1), 1, 66_150, RATE_HZ, surroundings, 47.0)[0]
    # The power of n/2 independent lines, weighted: about 2000 effective ones, 0.1 dB.
    assert level_dba(record, RATE_HZ) == pytest.approx(47.0, abs=0.4)


def test_emission_times_equal_the_scalar_solution() -> None:
    bench = moving([origin() + np.array([-400.0, 300.0, 30.0])], [45.0, 0.0, 1.0])
    arrival = np.array([3.0, 8.0, 12.5])
    receiver = np.tile(origin(), (3, 1))
    fast = emission_times(track_of(bench, 0), receiver, arrival, 340.0)

    def motion(t: float) -> tuple[F64, F64]:
        position, velocity, _ = bench.target_track(0, np.array([t]))
        return position[0], velocity[0]

    slow = [acoustics.emission_time_s(motion, origin(), float(t), 340.0) for t in arrival]
    assert np.max(np.abs(fast - slow)) <= 1e-6


@pytest.mark.parametrize("range_m", [30.0, 100.0, 250.0])
def test_the_level_is_that_of_the_plot_level_model(range_m: float) -> None:
    place = origin() + range_m * np.array([0.6, 0.76, 0.248])
    array = made(at_rest([place]))
    heard = array.target(0, MINI, np.random.default_rng(3))
    e = array.sensor.environment
    mid_hz = np.sqrt(MINI.sound_band_hz[0] * MINI.sound_band_hz[1])
    alpha = acoustics.absorption_db_per_m(mid_hz, e.temperature_c, e.relative_humidity, e.pressure_kpa)
    side = acoustics.rotor_directivity_db(np.arcsin(0.248))
    expected = acoustics.received_level_db(MINI.sound_dba + side, range_m, alpha)
    # The model absorbs everything at the middle of the band, the air the high end much more: 1 dB at 250 m.
    assert level_dba(heard[0], RATE_HZ) == pytest.approx(float(expected), abs=1.5)


def test_the_detector_hears_the_comb_and_theory_its_doppler() -> None:
    still = at_rest([origin() + np.array([0.0, 120.0, 20.0])])
    coming = moving([origin() + np.array([0.0, 120.0 + 630.0, 20.0])], [0.0, -30.0, 0.0])
    f0 = []
    for bench in (still, coming):
        array, rng = made(bench, 2.0, 2, SOLO), np.random.default_rng(5)
        heard = array.target(0, SOLO, rng) + array.noise(rng)
        comb = find_comb(heard[0], RATE_HZ)
        assert comb.height_db > 6.0  # noise alone has less than 3
        f0.append(comb.fundamental_hz)
    assert f0[0] == pytest.approx(SOLO.rotor.blades * SOLO.rotor.revolutions_per_minute / 60.0, rel=0.01)
    closing = 30.0 * np.cos(np.arctan2(20.0, 120.0))
    expected = acoustics.doppler_factor(closing, acoustics.speed_of_sound_mps(15.0))
    # Steps of 0.25 Hz, and 0.2 % of steering in either second.
    assert f0[1] / f0[0] == pytest.approx(expected, rel=0.005)


def beamscan(sound: F64, microphones_m: F64, c_mps: float, elevation_rad: float) -> float:
    """Azimuth in the array's axes at which the delayed sum of the records is strongest, 300 to 3000 Hz."""
    n = sound.shape[1]
    frequency = np.fft.rfftfreq(n, 1.0 / RATE_HZ)
    keep = (frequency > 300.0) & (frequency < 3000.0)
    spectrum = np.fft.rfft(sound, axis=1)[:, keep]
    azimuth = np.radians(np.arange(-180.0, 180.0, 0.5))
    best, where = -1.0, 0.0
    for a in azimuth:
        lead_s = microphones_m @ body_direction(a, elevation_rad) / c_mps
        total = np.sum(spectrum * np.exp(-2j * np.pi * np.outer(lead_s, frequency[keep])), axis=0)
        power = float(np.sum(np.abs(total) ** 2))
        if power > best:
            best, where = power, float(a)
    return where


def test_the_array_points_to_where_the_sound_left_the_target() -> None:
    speed, distance = 40.0, 150.0
    bench = moving([origin() + np.array([-speed * 20.2, distance, 30.0])], [speed, 0.0, 0.0])
    array = made(bench, 0.4, 16)
    rng = np.random.default_rng(9)
    sound = array.target(0, MINI, rng) + array.noise(rng)
    pose = array.sensor.pose(bench, 20.2)
    emitted = emission_times(track_of(bench, 0), pose.origin_m[None], np.array([20.2]), array.sensor.speed_of_sound_mps)
    there, _, _ = bench.target_track(0, emitted)
    azimuth, elevation, _ = body_azimuth_elevation_range((there - pose.origin_m) @ pose.enu_from_sensor)
    now, _, _ = bench.target_track(0, np.array([20.2]))
    azimuth_now, _, _ = body_azimuth_elevation_range((now - pose.origin_m) @ pose.enu_from_sensor)
    found = beamscan(sound, array.microphones_m, array.sensor.speed_of_sound_mps, float(elevation[0]))
    assert abs(np.degrees(found - azimuth[0])) <= 1.5  # half a step of the scan, and what the path turns in 0.4 s
    assert abs(np.degrees(found - azimuth_now[0])) >= 4.0  # the lag of 40 m/s is 6.7 degrees


def test_delayed_sum_has_the_snr_of_the_plot_level_model() -> None:
    place = origin() + 90.0 * np.array([0.6, 0.76, 0.248])
    bench = at_rest([place])
    array = made(bench, 1.0, 16)
    pose = array.sensor.pose(bench, 20.5)
    direction = (place - pose.origin_m) @ pose.enu_from_sensor / 90.0
    lead_s = array.microphones_m @ direction / array.sensor.speed_of_sound_mps
    frequency = np.fft.rfftfreq(len(array.t_s), 1.0 / RATE_HZ)

    def summed(sound: F64) -> float:
        phase = np.exp(-2j * np.pi * np.outer(lead_s, frequency))
        return level_dba(np.fft.irfft(np.mean(np.fft.rfft(sound, axis=1) * phase, axis=0), len(array.t_s)), RATE_HZ)

    rng = np.random.default_rng(2)
    snr_db = summed(array.target(0, MINI, rng)) - summed(array.noise(rng))
    observed = array.sensor.observe(bench, 20.5, rng)
    plot_db = observed.rows[0, INDEX["snr_db"]]
    assert snr_db == pytest.approx(plot_db, abs=1.5)


def test_rotors_turn_faster_where_the_drone_pulls() -> None:
    g = 9.80665
    speed = manoeuvre_speed(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, g], [g, 0.0, 0.0], [0.0, 0.0, -0.75 * g]]))
    assert speed == pytest.approx([1.0, np.sqrt(2.0), 2.0**0.25, 0.5])


def test_the_own_engine_is_as_loud_as_the_catalogue_says_and_the_same_seed_the_same_sound() -> None:
    bench = at_rest([origin() + np.array([0.0, 80.0, 20.0])], noise_dba=75.0)
    array = made(bench, 0.5, 2)
    assert level_dba(array.engine("tank_1", np.random.default_rng(1))[0], RATE_HZ) == pytest.approx(75.0, abs=1.0)
    one, two, other = (
        array_sound(array.sensor, bench, [MINI], 20.0, 0.3, np.random.default_rng(s)).pressure_pa for s in (4, 4, 5)
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_trees_weaken_the_sound_and_the_ground_stops_it() -> None:
    place = origin() + np.array([0.0, 90.0, 20.0])
    level = []
    for change in ({}, {"seen": False}):
        array = made(at_rest([place], **change), 0.4, 2)
        level.append(level_dba(array.target(0, MINI, np.random.default_rng(1))[0], RATE_HZ))
    assert level[0] - level[1] == pytest.approx(8.0, abs=1e-6)
    hill = at_rest([place], seen=False)
    hill.terrain.wall_m = 200.0
    assert np.abs(made(hill, 0.4, 2).target(0, MINI, np.random.default_rng(1))).max() == 0.0


def test_sound_of_a_target_that_has_just_begun_is_late() -> None:
    bench = at_rest([origin() + np.array([0.0, 171.6, 0.0])])
    track = bench.target_track
    begun_s = 20.0
    bench.target_track = lambda i, t_s: (*track(i, t_s)[:2], t_s >= begun_s)  # type: ignore[method-assign]
    heard = made(bench, 1.0, 2).target(0, MINI, np.random.default_rng(1))[0]
    arrives_s = 171.6 / acoustics.speed_of_sound_mps(15.0)
    begin = int(arrives_s * RATE_HZ)
    # Truth is looked at 50 times a second, and the analysis window of the absorption is 46 ms wide.
    early, late = heard[: begin - 1200], heard[begin + 1200 :]
    assert np.sqrt(np.mean(early**2)) < 0.01 * np.sqrt(np.mean(late**2))
