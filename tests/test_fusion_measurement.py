"""The measurement model: against hand-written angles, finite differences, and the retarded-time problem."""

import math

import numpy as np
import pytest

from fusion.kernels import linearising
from fusion.kernels import measurement as mm
from messages.frames import ENU_FROM_NORTH_BODY, enu_from_body

SOUND = 340.3


def geometry(
    position=(0.0, 0.0, 0.0), axes=None, velocity=(0.0, 0.0, 0.0), speed=0.0, paired=None, tdoa_speed=SOUND
) -> np.ndarray:
    g = np.zeros(mm.G_SIZE)
    g[0:3], g[3:6] = position, velocity
    g[mm.G_AXES : mm.G_AXES + 9] = (ENU_FROM_NORTH_BODY.T if axes is None else axes).ravel()
    g[mm.G_SPEED] = speed
    g[mm.G_PAIRED : mm.G_PAIRED + 3] = position if paired is None else paired
    g[mm.G_TDOA_SPEED] = tdoa_speed
    g[mm.G_LAG_ACCELERATION] = 5.0
    return g


def measure(x: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    h, H, d, D = np.empty(8), np.empty((8, 6)), np.empty(3), np.empty((3, 6))
    tau = mm.measure(np.asarray(x, dtype=float), g, h, H, d, D)
    return h, H, tau


def test_angles_are_those_of_the_conventions() -> None:
    x = np.array([300.0, 400.0, 120.0, -10.0, 5.0, 2.0])
    h, _, tau = measure(x, geometry(position=(100.0, 50.0, 20.0)))
    d = (200.0, 350.0, 100.0)
    r = math.sqrt(sum(c * c for c in d))
    assert tau == 0.0
    assert h[mm.RANGE] == pytest.approx(r)
    assert h[mm.AZIMUTH] == pytest.approx(math.atan2(200.0, 350.0))
    assert h[mm.ELEVATION] == pytest.approx(math.asin(100.0 / r))
    assert h[mm.RANGE_RATE] == pytest.approx((-10.0 * 200.0 + 5.0 * 350.0 + 2.0 * 100.0) / r)
    assert tuple(h[mm.EAST : mm.UP + 1]) == (300.0, 400.0, 120.0)


def test_a_sensor_turned_east_sees_a_northern_target_on_its_left() -> None:
    axes = enu_from_body(math.pi / 2, 0.0, 0.0).T
    h, _, _ = measure(np.array([0.0, 100.0, 0.0, 0.0, 0.0, 0.0]), geometry(axes=axes))
    assert h[mm.AZIMUTH] == pytest.approx(-math.pi / 2)


def test_range_rate_of_a_sensor_that_moves_is_relative_to_it() -> None:
    x = np.array([0.0, 500.0, 0.0, 0.0, -20.0, 0.0])
    h, _, _ = measure(x, geometry(velocity=(0.0, 10.0, 0.0)))
    assert h[mm.RANGE_RATE] == pytest.approx(-30.0)


@pytest.mark.parametrize("speed", [0.0, SOUND])
@pytest.mark.parametrize("seed", range(8))
def test_jacobian_equals_central_differences(seed: int, speed: float) -> None:
    rng = np.random.default_rng(seed)
    axes = enu_from_body(*rng.uniform(-1.0, 1.0, 3)).T
    g = geometry(rng.normal(0, 50, 3), axes, rng.normal(0, 5, 3), speed, rng.normal(0, 100, 3))
    x = np.concatenate([rng.uniform(-1, 1, 3) * [800, 800, 200] + [0, 0, 250], rng.normal(0, 20, 3)])
    _, H, _ = measure(x, g)
    for b in range(6):
        step = 1e-3 if b < 3 else 1e-4
        up, down = x.copy(), x.copy()
        up[b] += step
        down[b] -= step
        numeric = (measure(up, g)[0] - measure(down, g)[0]) / (2 * step)
        # Rounding of h over 2 step, and the third derivative: both below these for ranges of 100 m and more.
        np.testing.assert_allclose(H[:, b], numeric, rtol=2e-5, atol=2e-8)


def test_retarded_time_solves_its_equation() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        d, v = rng.normal(0, 400, 3), rng.normal(0, 30, 3)
        tau = mm.retarded_lag(*d, *v, SOUND)
        assert np.linalg.norm(d - v * tau) == pytest.approx(SOUND * tau, rel=1e-12)


@pytest.mark.parametrize("distance_m", [100.0, 300.0, 1000.0])
def test_the_sound_of_a_crossing_target_trails_by_the_mach_angle(distance_m: float) -> None:
    """At 50 m/s the bearing lags by about atan(v / c) = 8.4 deg, whatever the range; the model takes that off."""
    x = np.array([0.0, distance_m, 0.0, 50.0, 0.0, 0.0])
    heard, _, tau = measure(x, geometry(speed=SOUND))
    now, _, _ = measure(x, geometry())
    lag_deg = math.degrees(now[mm.AZIMUTH] - heard[mm.AZIMUTH])
    assert lag_deg == pytest.approx(math.degrees(math.asin(50.0 / SOUND)), abs=0.01)
    emitted = np.array([-50.0 * tau, distance_m, 0.0])
    assert heard[mm.AZIMUTH] == pytest.approx(math.atan2(emitted[0], emitted[1]))


def test_the_direct_form_is_the_first_half_of_the_general_one() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        x, g = rng.normal(0.0, [300.0, 300.0, 60.0, 20.0, 20.0, 5.0]), geometry()
        g[:6] = rng.normal(0.0, 10.0, 6)
        h, H, d, D = np.empty(8), np.empty((8, 6)), np.empty(3), np.empty((3, 6))
        mm.measure(x, g, h, H, d, D)
        h4, H4, d4 = np.empty(4), np.empty((4, 6)), np.empty(3)
        mm.measure_direct(x, g, h4, H4, d4)
        np.testing.assert_allclose(h4, h[:4], rtol=1e-12)
        np.testing.assert_allclose(H4, H[:4], rtol=1e-9, atol=1e-15)
        np.testing.assert_array_equal(d4, d)


def test_the_lag_and_the_acceleration_during_it_widen_the_noise() -> None:
    x, P = np.array([0.0, 600.0, 0.0, 0.0, 0.0, 0.0]), 1e-12 * np.eye(6)
    g = geometry(speed=SOUND)
    h, H, d, D = np.empty(8), np.empty((8, 6)), np.empty(3), np.empty((3, 6))
    tau = mm.measure(x, g, h, H, d, D)
    R = np.empty((8, 8))
    linearising.model_noise(P, g, H, d, tau, 1.0, 1.0, np.arange(8), np.empty((3, 3)), R)
    assert math.sqrt(R[mm.AZIMUTH, mm.AZIMUTH]) == pytest.approx(5.0 * tau**2 / 2 / 600.0, rel=1e-6)


def test_heading_and_tilt_errors_turn_the_line_of_sight() -> None:
    g = geometry()
    g[mm.G_YAW_VAR], g[mm.G_TILT_VAR] = 0.02**2, 0.005**2
    x = np.array([300.0, 400.0, 0.0, 0.0, 0.0, 0.0])
    h, H, d, D = np.empty(8), np.empty((8, 6)), np.empty(3), np.empty((3, 6))
    tau = mm.measure(x, g, h, H, d, D)
    R = np.empty((8, 8))
    linearising.model_noise(1e-12 * np.eye(6), g, H, d, tau, 1.0, 1.0, np.arange(8), np.empty((3, 3)), R)
    assert math.sqrt(R[mm.AZIMUTH, mm.AZIMUTH]) == pytest.approx(0.02, rel=1e-6)
    assert math.sqrt(R[mm.ELEVATION, mm.ELEVATION]) == pytest.approx(0.005, rel=1e-6)
    assert R[mm.RANGE, mm.RANGE] == pytest.approx(0.0, abs=1e-9)
    assert R[mm.EAST, mm.EAST] == 0.0
    linearising.model_noise(1e-12 * np.eye(6), g, H, d, tau, 9.0, 1.0, np.arange(8), np.empty((3, 3)), R)
    assert math.sqrt(R[mm.AZIMUTH, mm.AZIMUTH]) == pytest.approx(0.06, rel=1e-6)


def test_second_order_noise_matches_sampling() -> None:
    rng = np.random.default_rng(11)
    x = np.array([0.0, 400.0, 60.0, 20.0, -10.0, 0.0])
    P = np.diag([40.0, 5.0, 40.0, 8.0, 8.0, 8.0]) ** 2
    g = geometry()
    h, H, d, D = np.empty(8), np.empty((8, 6)), np.empty(3), np.empty((3, 6))
    tau = mm.measure(x, g, h, H, d, D)
    R = np.empty((8, 8))
    linearising.model_noise(P, g, H, d, tau, 1.0, 1.0, np.arange(8), np.empty((3, 3)), R)
    samples = np.array([measure(s, g)[0] for s in rng.multivariate_normal(x, P, 4000)])
    residual = samples - h - (rng.multivariate_normal(np.zeros(6), P, 4000) * 0.0) @ H.T
    spread = np.mean(residual**2, axis=0) - np.einsum("ab,bc,ac->a", H, P, H)
    # Linear part taken off, what is left is the second order; 4000 samples know the total to 2.2 per cent.
    total = np.einsum("ab,bc,ac->a", H, P, H)
    for c in (mm.RANGE, mm.RANGE_RATE):
        assert abs(R[c, c] - spread[c]) < 4 * 0.032 * (total[c] + R[c, c])
        assert R[c, c] > 0.0


def test_arrival_time_difference_is_that_of_the_two_paths() -> None:
    g = geometry((0.0, 0.0, 0.0), None, (0.0, 0.0, 0.0), 0.0, (300.0, 0.0, 0.0), 299_792_458.0)
    h, _, _ = measure(np.array([0.0, 400.0, 0.0, 0.0, 0.0, 0.0]), g)
    assert h[mm.TDOA] == pytest.approx((400.0 - 500.0) / 299_792_458.0)
