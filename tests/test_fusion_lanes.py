"""The filter in lanes against filterpy, against the joint update written out, and against broken lanes."""

from __future__ import annotations

import platform
import re

import numba
import numpy as np
import pytest

from benchmarks.core.filter_step import SIGMA, Problem, random_problem
from benchmarks.core.filterpy_step import filterpy_step
from fusion.kernels import lanes, motion
from fusion.kernels.measurement import G_AXES, G_POSITION, G_SIZE, G_VELOCITY
from fusion.kernels.one_lane import arctan2

ENU_AXES = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # forward is north, left is west
Tracks = tuple[np.ndarray, np.ndarray]


def sensor(place=(0.0, 0.0, 0.0), drift=(0.0, 0.0, 0.0), axes: np.ndarray = ENU_AXES) -> np.ndarray:
    g = np.zeros(G_SIZE)
    g[G_POSITION : G_POSITION + 3], g[G_VELOCITY : G_VELOCITY + 3], g[G_AXES : G_AXES + 9] = place, drift, axes.ravel()
    return g


def turned(rng: np.random.Generator) -> np.ndarray:
    """A platform's place, velocity and attitude: any rotation."""
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return sensor(rng.normal(0, 50, 3), rng.normal(0, 8, 3), q * np.sign(np.linalg.det(q)))


def in_lanes(problem: Problem, z: np.ndarray, g: np.ndarray, tracks: Tracks, var: np.ndarray | None = None) -> Tracks:
    """One step of tracks (x, P) through a fresh table."""
    x, P, n = tracks[0].copy(), tracks[1].copy(), len(z)
    table = np.full(lanes.table_size(n), np.nan)  # lanes without a track hold rubbish
    lanes.pack(x, P, table)
    spread = np.tile(problem.sigma**2, (n, 1)) if var is None else var
    assert lanes.step(table, n, problem.dt_s, problem.intensity_m2ps3, g, z, spread) == 0
    lanes.unpack(table, x, P)
    return x, P


def look(x: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """h (4,) and H (4, 6) in the sensor's axes, by the chain rule."""
    A = g[G_AXES : G_AXES + 9].reshape(3, 3)
    f, w = A @ (x[:3] - g[G_POSITION : G_POSITION + 3]), A @ (x[3:] - g[G_VELOCITY : G_VELOCITY + 3])
    r, rho = np.linalg.norm(f), np.hypot(f[0], f[1])
    h = np.array([r, np.arctan2(-f[1], f[0]), np.arcsin(f[2] / r), f @ w / r])
    H = np.zeros((4, 6))
    H[0, :3] = f / r
    H[1, :3] = np.array([f[1], -f[0], 0.0]) / rho**2
    H[2, :3] = np.array([-f[0] * f[2] / rho, -f[1] * f[2] / rho, rho]) / r**2
    H[3, :3], H[3, 3:] = w / r - f * (f @ w) / r**3, f / r
    return h, np.hstack([H[:, :3] @ A, H[:, 3:] @ A])


def jointly(problem: Problem, z: np.ndarray, g: np.ndarray, tracks: Tracks, var: np.ndarray) -> Tracks:
    """The same step as matrices: all measured components of a track at once, Joseph form."""
    x, P = tracks[0].copy(), tracks[1].copy()
    dt, q = problem.dt_s, problem.intensity_m2ps3
    F = np.eye(6) + np.diag([dt] * 3, 3)
    Q = q * np.kron(np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]]), np.eye(3))
    for i in range(len(z)):
        x[i], P[i] = F @ x[i], F @ P[i] @ F.T + Q
        have = ~np.isnan(z[i])
        if not have.any():
            continue
        h, H = look(x[i], g)
        y = z[i] - h
        y[1] = (y[1] + np.pi) % (2.0 * np.pi) - np.pi
        H, R = H[have], np.diag(var[i][have])
        K = np.linalg.solve(H @ P[i] @ H.T + R, H @ P[i]).T
        x[i] += K @ y[have]
        keep = np.eye(6) - K @ H
        P[i] = keep @ P[i] @ keep.T + K @ R @ K.T
    return x, P


def assert_same(mine: Tracks, theirs: Tracks, limit: float = 1e-9) -> None:
    """Equal to a small part of each track's own standard deviations."""
    sigma = np.sqrt(np.diagonal(theirs[1], axis1=1, axis2=2))
    assert np.abs((mine[0] - theirs[0]) / sigma).max() < limit
    assert np.abs((mine[1] - theirs[1]) / (sigma[:, :, None] * sigma[:, None])).max() < limit
    assert np.array_equal(mine[1], mine[1].transpose(0, 2, 1))


def measured_at(tracks: Tracks, problem: Problem, g: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    ahead = tracks[0] + problem.dt_s * np.pad(tracks[0][:, 3:], ((0, 0), (0, 3)))
    return np.array([look(x, g)[0] for x in ahead]) + problem.sigma * rng.standard_normal((len(ahead), 4))


def test_a_sequence_equals_filterpys_extended_filter() -> None:
    rng, g = np.random.default_rng(1), sensor()
    problem = random_problem(70, rng)
    mine = theirs = (problem.x, problem.P)
    for _ in range(20):
        z = measured_at(theirs, problem, g, rng)
        mine = in_lanes(problem, z, g, mine)
        step, result = filterpy_step(problem._replace(x=theirs[0], P=theirs[1], z=z))
        step()
        theirs = result()
        assert_same(mine, theirs)


@pytest.mark.parametrize("n", [1, 3, 64, 67, 128])
def test_any_sensor_and_any_missing_component_equal_the_joint_update(n: int) -> None:
    rng = np.random.default_rng(n)
    g, problem = turned(rng), random_problem(n, rng)
    mine = theirs = (problem.x, problem.P)
    for _ in range(6):
        z = measured_at(theirs, problem, g, rng)
        z[rng.random((n, 4)) < 0.3] = np.nan
        z[:, 1] += 2.0 * np.pi * rng.integers(-1, 2, n)  # any turn of the azimuth
        var = SIGMA**2 * 10.0 ** rng.uniform(-2, 2, (n, 4))
        var[np.isnan(z)] = np.nan
        theirs = jointly(problem, z, g, theirs, var)
        mine = in_lanes(problem, z, g, mine, var)
        assert_same(mine, theirs)


def test_what_was_not_measured_leaves_the_prediction() -> None:
    problem = random_problem(5, np.random.default_rng(2))
    mine = in_lanes(problem, np.full((5, 4), np.nan), sensor(), (problem.x, problem.P))
    x, P = problem.x.copy(), problem.P.copy()
    for i in range(5):
        motion.predict_one(x[i], P[i], problem.intensity_m2ps3, problem.dt_s)
    assert_same(mine, (x, P), 1e-12)


def test_due_south_the_azimuth_jumps_and_the_track_does_not() -> None:
    """A target at azimuth pi, measured on the other side of the jump: moved by the small difference, both ways."""
    problem = random_problem(2, np.random.default_rng(3))
    x = np.array([[1e-3, -500.0, 30.0, 0.0, 0.0, 0.0], [-1e-3, -500.0, 30.0, 0.0, 0.0, 0.0]])
    z = np.full((2, 4), np.nan)
    z[:, 1] = np.array([-np.pi + 0.01, np.pi - 0.01])
    moved = in_lanes(problem, z, sensor(), (x, problem.P))[0] - x
    assert 0.0 > moved[0, 0] > -0.011 * 500.0
    assert 0.0 < moved[1, 0] < 0.011 * 500.0


def test_a_target_inside_or_straight_above_the_sensor_stays_finite() -> None:
    problem = random_problem(2, np.random.default_rng(4))
    x = np.array([[0.0] * 6, [0.0, 0.0, 300.0, 0.0, 0.0, 0.0]])
    x, P = in_lanes(problem, np.array([[1.0, 0.5, 0.1, 0.0], [301.0, 2.0, 1.5, 0.2]]), sensor(), (x, problem.P))
    assert np.isfinite(x).all()
    assert np.isfinite(P).all()


def test_the_angle_equals_numpys_everywhere() -> None:
    rng = np.random.default_rng(5)
    y, x = rng.normal(size=(2, 4000)) * 10.0 ** rng.uniform(-9, 9, (2, 4000))
    angles = np.concatenate([np.linspace(-np.pi, np.pi, 801), np.pi / 8 * np.arange(-8, 9) + 1e-15])
    y, x = np.concatenate([y, np.sin(angles)]), np.concatenate([x, np.cos(angles)])
    mine = np.array([arctan2(a, b) for a, b in zip(y.tolist(), x.tolist(), strict=True)])
    assert np.abs(mine - np.arctan2(y, x)).max() <= 4.5e-16  # one step of a double between 2 and pi
    assert arctan2(0.0, 0.0) == 0.0
    assert np.isnan(arctan2(np.nan, 1.0))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_lane_feels_no_other_lane() -> None:
    """Alone, among others, in another order, beside broken ones: the same bits. Broken ones are counted."""
    rng, g = np.random.default_rng(6), sensor()
    problem = random_problem(67, rng)
    z, var = measured_at((problem.x, problem.P), problem, g, rng), np.tile(SIGMA**2, (67, 1))
    x, P = in_lanes(problem, z, g, (problem.x, problem.P))
    order = rng.permutation(67)
    again = in_lanes(problem, z[order], g, (problem.x[order], problem.P[order]))
    np.testing.assert_array_equal(again[0], x[order])
    np.testing.assert_array_equal(again[1], P[order])
    alone = in_lanes(problem, z[40:41], g, (problem.x[40:41], problem.P[40:41]))
    np.testing.assert_array_equal(alone[0][0], x[40])
    bad_x, bad_P, bad_z = problem.x.copy(), problem.P.copy(), z.copy()
    bad_x[3, 0], bad_P[17, 2, 4], bad_P[30, 5, 5], bad_z[65, 0] = np.nan, np.inf, -1e9, np.inf
    table = np.empty(lanes.table_size(67))
    lanes.pack(bad_x, bad_P, table)
    assert lanes.step(table, 67, problem.dt_s, problem.intensity_m2ps3, g, bad_z, var) == 4
    lanes.unpack(table, bad_x, bad_P)
    well = np.setdiff1d(np.arange(67), [3, 17, 30, 65])
    np.testing.assert_array_equal(bad_x[well], x[well])
    np.testing.assert_array_equal(bad_P[well], P[well])


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_every_kind_of_failure_is_counted() -> None:
    """Six tracks with one negative variance each, not measured; one that a range of infinity moves out of the world."""
    x, P = np.tile([100.0, 100.0, 100.0, 1.0, 1.0, 1.0], (7, 1)), np.tile(1e3 * np.eye(6), (7, 1, 1))
    z = np.full((7, 4), np.nan)
    for a in range(6):
        P[a, a, a] = -50.0  # more than prediction adds, too little for it to spread
    P[6], z[6, 0] = 0.5 + 0.5 * np.eye(6), np.inf
    table = np.empty(lanes.table_size(7))
    for count in range(8):
        lanes.pack(x, P, table)
        assert lanes.step(table, count, 0.1, 1.0, sensor(), z, np.ones((7, 4))) == count


def smallest_eigenvalue(P: np.ndarray) -> float:
    """Of the correlation matrices, so that metres and metres a second weigh the same."""
    sigma = np.sqrt(np.diagonal(P, axis1=1, axis2=2))
    return float(np.linalg.eigvalsh(P / (sigma[:, :, None] * sigma[:, None]))[:, 0].min())


@pytest.mark.jit
@pytest.mark.parametrize("kept", [(0, 1, 2, 3), (0,), (0, 3), (1, 2)])
def test_covariances_stay_positive_up_to_a_millionth_of_the_prior(kept: tuple[int, ...]) -> None:
    """A prior of 1 km and 1 km/s meets a sensor a million times better, again and again, with gaps of any length."""
    rng, g, n = np.random.default_rng(7), sensor(), 128
    problem = random_problem(n, rng)
    x, P = problem.x.copy(), np.tile(np.eye(6) * 1e6, (n, 1, 1))
    table, sigma = np.empty(lanes.table_size(n)), np.array([1e-3, 1e-6, 1e-6, 1e-3])
    lanes.pack(x, P, table)
    for k in range(300):
        step = problem._replace(dt_s=float(10.0 ** rng.uniform(-3, 1)), sigma=sigma)
        z = measured_at((x, P), step, g, rng)
        z[:, [c for c in range(4) if c not in kept]] = np.nan
        z[rng.random((n, 4)) < 0.2] = np.nan
        var = np.tile((sigma * 10.0 ** rng.uniform(0, 6 * (k % 3 > 0), 4)) ** 2, (n, 1))
        assert lanes.step(table, n, step.dt_s, step.intensity_m2ps3, g, z, var) == 0
        lanes.unpack(table, x, P)
        assert smallest_eigenvalue(P) > 0.0


@pytest.mark.jit
def test_a_million_steps_leave_the_covariance_where_a_few_put_it() -> None:
    """Rounding does not add up: targets at rest, seen a million times, keep the covariance that they soon had."""
    problem, g, n = random_problem(8, np.random.default_rng(8)), sensor(), 8
    x, P = problem.x * np.array([1.0] * 3 + [0.0] * 3), problem.P.copy()
    z, var = np.array([look(one, g)[0] for one in x]), np.tile(SIGMA**2, (n, 1))
    table = np.empty(lanes.table_size(n))
    lanes.pack(x, P, table)
    settled = np.empty_like(P)
    for k in range(1_000_000):
        lanes.step(table, n, problem.dt_s, problem.intensity_m2ps3, g, z, var)
        if k == 2000:
            lanes.unpack(table, x, settled)
    lanes.unpack(table, x, P)
    assert_same((x, P), (x, settled), 1e-9)
    assert smallest_eigenvalue(P) > 0.0


@pytest.mark.jit
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names instructions of x86-64")
def test_the_step_is_made_of_vector_instructions() -> None:
    """A call or an unclear address in the loop would leave it scalar, four times as slow and just as right."""
    fresh = numba.njit(error_model="numpy")(lanes.step.py_func)
    flat, rows, i, f = numba.float64[::1], numba.float64[:, ::1], numba.int64, numba.float64
    fresh.compile((flat, i, f, f, flat, rows, rows))
    (code,) = fresh.inspect_asm().values()
    assert len(re.findall(r"\bv?mulpd\b", code)) > 200
