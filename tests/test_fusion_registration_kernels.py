"""The estimator of biases against the joint least-squares solution, its Jacobians, and the evidence of a fault."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from fusion_scene import camera, pose, radar

from fusion.biases import PATIENCE, Biases
from fusion.config import DetectabilityConfig, RegistrationConfig, SensorConfig
from fusion.kernels import boresight, information, measurement, registration
from fusion.sensors import Place, Sensor
from messages.types import PlatformPose, SensorDescription

sys.path.insert(0, str(Path(__file__).parent / "oracles"))
from joint_least_squares import Look, solve


def test_the_estimator_equals_the_joint_solution_of_all_trajectories() -> None:
    """Claimed positions are linear: two targets seen by two 'sensors', whose clocks and a common shift are wrong.

    Both sides factor matrices of condition up to 1e8 (start variance 1e4, process noise 1e-4): 1e8 x 2e-16 = 2e-8
    is the worst of a matrix; the biases, of order one and seen by thirty looks, stay below 1e-9.
    """
    rng, B, q, size = np.random.default_rng(5), 3, 0.5, 3
    start_var = np.array([100.0**2] * 3 + [30.0**2] * 3)
    prior_var, C_of = np.array([1.0, 4.0, 0.25]), rng.normal(size=(2, 3, B))
    targets, starts = [], []
    info, eta = np.zeros((B, B)), np.zeros(B)
    b_lin = rng.normal(size=B)  # the estimate that is linearised about must not matter
    for _ in range(2):
        x0 = rng.normal(size=6) * 20.0
        x, P, V = x0.copy(), np.diag(start_var), np.zeros((6, B))
        looks, t = [], 0.0
        for i in range(15):
            dt = 0.0 if i == 0 else float(rng.uniform(0.05, 0.6))
            t += dt
            H = np.hstack([np.eye(3), rng.normal(size=(3, 3)) * 0.05])
            C, R = C_of[i % 2], np.diag(rng.uniform(0.2, 2.0, 3))
            z = rng.normal(size=size) * 15.0
            looks.append(Look(t, z, H, C, R))
            if i:
                F = np.eye(6)
                F[:3, 3:] = dt * np.eye(3)
                registration.predict_one(x, P, q, dt)
                V = F @ V
            T = H @ V + C
            y = z - H @ (x + V @ b_lin) - C @ b_lin
            done = registration._filter(x, P, V, b_lin, np.eye(B), y, H, R, T, 3, np.arange(B), 1e12, info, eta)
            assert done == registration.USED
        targets.append(looks)
        starts.append(x0)
    mean, covariance = solve(targets, starts, start_var, q, prior_var)
    m, P_b = np.zeros(B), np.zeros((B, B))
    assert information.posterior(info, eta, prior_var, m, P_b)
    np.testing.assert_allclose(m, mean, rtol=0.0, atol=1e-9)
    np.testing.assert_allclose(P_b, covariance, rtol=0.0, atol=1e-9)


def test_a_walk_of_the_parameters_equals_the_covariance_form() -> None:
    rng = np.random.default_rng(6)
    A = rng.normal(size=(9, 6))
    info, Q = A.T @ A, rng.uniform(0.0, 2.0, 6)
    eta = info @ rng.normal(size=6)
    P = np.linalg.inv(info)
    mean = P @ eta
    assert information.walk(info, eta, Q)
    np.testing.assert_allclose(np.linalg.inv(info), P + np.diag(Q), rtol=1e-11)
    np.testing.assert_allclose(np.linalg.solve(info, eta), mean, rtol=1e-10)


def test_a_factor_that_does_not_exist_changes_nothing() -> None:
    info, eta = -5.0 * np.eye(2), np.ones(2)
    mean, P = np.full(2, 7.0), np.full((2, 2), 7.0)
    assert not information.posterior(info, eta, np.ones(2), mean, P)
    assert not information.walk(info, eta, np.ones(2))
    assert np.all(mean == 7.0)
    assert np.all(P == 7.0)
    np.testing.assert_array_equal(info, -5.0 * np.eye(2))


STATE = np.array([420.0, 310.0, 75.0, -18.0, 22.0, 3.0])
RATES = {"yaw_rad": 0, "pitch_rad": 1, "roll_rad": 2}


def sensors() -> list[Sensor]:
    mount = {"platform_id": "tank_1", "yaw_rad": 0.7, "pitch_rad": 0.2, "roll_rad": -0.1}
    described: list[SensorDescription] = [
        camera("eo_1", (0.0, 0.0, 0.0), angles="sensor", **mount),
        radar("radar_1", angles="enu", **mount),
        camera("mic_1", (0.0, 0.0, 0.0), kind="acoustic", angles="sensor", **mount),
    ]
    return [Sensor(d, 0, SensorConfig(), DetectabilityConfig()) for d in described]


def stated_pose(**wrong: float) -> PlatformPose:
    true = {"yaw_rad": 0.4, "pitch_rad": 0.05, "roll_rad": -0.08}
    return pose("tank_1", 0.0, (10.0, -20.0, 1.0), velocity_mps=(3.0, 8.0, 0.0),
                **{k: v + wrong.get(k, 0.0) for k, v in true.items()})  # fmt: skip


def measured(sensor: Sensor, place: Place, x: np.ndarray, true: Place) -> np.ndarray:
    """What a sensor at ``true`` reports whose platform states ``place``: angles in its own or in stated ENU axes."""
    g = sensor.geometry(true, None)
    if sensor.description.angles == "enu":
        stated_from_true = place.enu_from_sensor @ true.enu_from_sensor.T
        g[6:15] = (place.axes_from_enu @ stated_from_true).ravel()
    h, H = np.empty(8), np.empty((8, 6))
    measurement.measure(x, g, h, H, np.empty(3), np.empty((3, 6)))
    return h[:4]


@pytest.mark.parametrize(("sensor", "angle"), list(itertools.product(range(3), RATES)))
def test_the_jacobian_of_an_attitude_error_is_that_of_a_pose_stated_wrongly(sensor: int, angle: str) -> None:
    """Central differences with a step of 1e-5 rad: error of second order 1e-10, of rounding 1e-16 x 1e3 / 1e-5."""
    s, step = sensors()[sensor], 1e-5
    stated = s.place(stated_pose())
    true = [s.place(stated_pose(**{angle: -bias})) for bias in (-step, step)]
    low, high = (measured(s, stated, STATE, place) for place in true)
    C = jacobian(s, stated)
    np.testing.assert_allclose((high - low)[1:3] / (2 * step), C[1:3, RATES[angle]], atol=1e-7)
    np.testing.assert_array_equal(C[[0, 3], RATES[angle]], 0.0)
    # The corrected axes undo the error: what is predicted from the stated pose is what the sensor reports.
    for bias, z in ((-step, low), (step, high)):
        turns, axes, local = np.empty((6, 3)), np.empty((3, 3)), np.zeros(boresight.N_LOCAL)
        boresight.turn_axes(stated.enu_from_platform, stated.enu_from_sensor, turns)
        local[RATES[angle]] = bias
        boresight.turned_axes(turns, local, stated.axes_from_enu, axes)
        g, h, H = s.geometry(stated, None), np.empty(8), np.empty((8, 6))
        g[6:15] = axes.ravel()
        measurement.measure(STATE, g, h, H, np.empty(3), np.empty((3, 6)))
        np.testing.assert_allclose(h[:4], z, atol=1e-9)


def jacobian(s: Sensor, place: Place) -> np.ndarray:
    g, h, H, d = s.geometry(place, None), np.empty(8), np.empty((8, 6)), np.empty(3)
    measurement.measure(STATE, g, h, H, d, np.empty((3, 6)))
    turns, C = np.empty((6, 3)), np.empty((8, boresight.N_LOCAL))
    boresight.turn_axes(place.enu_from_platform, place.enu_from_sensor, turns)
    boresight.bias_jacobian(STATE, g, H, d, turns, place.velocity_mps, C)
    return C


@pytest.mark.parametrize("sensor", range(3))
def test_the_jacobian_of_place_and_clock_is_that_of_a_sensor_elsewhere_and_later(sensor: int) -> None:
    """Steps of 1 cm and 1 ms on 500 m: second order (v step / range)^2 stays below 1e-8 of the angle."""
    s = sensors()[sensor]
    true = s.place(stated_pose())
    C, h = jacobian(s, true), []
    for sign in (-1.0, 1.0):
        g, out = s.geometry(true, None), np.empty(8)
        g[0:3] -= sign * np.array([0.01, 0.0, 0.0])  # stated minus true
        measurement.measure(STATE, g, out, np.empty((8, 6)), np.empty(3), np.empty((3, 6)))
        h.append(out[:4].copy())
    np.testing.assert_allclose((h[1] - h[0]) / 0.02, C[:4, boresight.PLACE], rtol=1e-5, atol=1e-8)
    h = []
    for sign in (-1.0, 1.0):
        g, out, H = s.geometry(true, None), np.empty(8), np.empty((8, 6))
        g[0:3] -= true.velocity_mps * sign * 1e-3
        g[measurement.G_CLOCK] = sign * 1e-3
        measurement.measure(STATE, g, out, H, np.empty(3), np.empty((3, 6)))
        earlier, H_earlier = np.empty(8), np.empty((8, 6))
        g[measurement.G_CLOCK] = 0.0
        moved = STATE.copy()
        moved[:3] -= sign * 1e-3 * STATE[3:]
        measurement.measure(moved, g, earlier, H_earlier, np.empty(3), np.empty((3, 6)))
        np.testing.assert_allclose(out, earlier, rtol=1e-13)
        H_earlier[:, 3:] -= sign * 1e-3 * H_earlier[:, :3]
        np.testing.assert_allclose(H, H_earlier, atol=1e-12)
        h.append(out[:4].copy())
    np.testing.assert_allclose((h[1] - h[0]) / 2e-3, C[:4, boresight.CLOCK], rtol=1e-4, atol=1e-6)


def test_a_fault_that_goes_away_is_taken_back() -> None:
    biases = Biases(RegistrationConfig(), SensorConfig())
    for sensor in sensors():
        biases.add(sensor)
    biases.info[0, 0], biases.eta[0] = 1e8, 1e8 * 0.008
    for solutions in range(PATIENCE):
        assert not biases.faulty[0], solutions
        biases.solve(0.0)
    assert biases.faulty[0]
    assert biases.applied()[0] == pytest.approx(0.008, rel=0.01)
    biases.eta[0] = 0.0
    biases.solve(0.0)
    assert not biases.faulty[0]
    assert biases.applied()[0] == 0.0
