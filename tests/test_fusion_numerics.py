"""Numbers at the edge: covariances through a million extreme steps, and poison that stays in its own track."""

from collections.abc import Callable

import numpy as np
import pytest
from matched_scene import LIGHT_MPS, Bank, Instrument

from fusion.kernels import gating
from fusion.kernels.measurement import AZIMUTH, EAST, ELEVATION, NORTH, RANGE, RANGE_RATE, TDOA, UP

KINDS = [
    (RANGE, AZIMUTH, ELEVATION, RANGE_RATE),
    (RANGE, AZIMUTH, RANGE_RATE),
    (RANGE, AZIMUTH, ELEVATION),
    (AZIMUTH, ELEVATION),
    (AZIMUTH,),
    (EAST, NORTH, UP),
    (TDOA,),
    tuple(range(8)),
]
START_P = np.diag([100.0**2] * 3 + [30.0**2] * 3)


def some_states(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.asarray(rng.normal(size=(n, 1, 6)) * [300.0, 300.0, 50.0, 15.0, 15.0, 3.0])


def somewhere(rng: np.random.Generator, used: tuple[int, ...]) -> Instrument:
    """A sensor anywhere within some hundred metres, with any heading; half of those with bearings alone hear."""
    position, paired = rng.normal(size=(2, 3)) * 300.0
    hears = used[0] == AZIMUTH and bool(rng.integers(2))
    return Instrument((), (), tuple(position), yaw_rad=rng.uniform(0.0, 6.0), hears=hears, paired_m=tuple(paired))


def extreme_step(bank: Bank, rng: np.random.Generator, exponents: tuple[float, float]) -> int:
    """Predict by 1 us to 10 s and update with any kind; return how many updates were left alone.

    Sigmas are 10 to a power between the ``exponents`` in metres, radians, m/s and, for arrival times, metres of light
    path: another one for each track and component. Detections are off by their sigma, by 100 at most.
    """
    bank.predict(10.0 ** rng.uniform(-1.0, 2.0), 10.0 ** rng.uniform(-6.0, 1.0))
    used = KINDS[rng.integers(len(KINDS))]
    unit = np.where(np.array(used) == TDOA, 1.0 / LIGHT_MPS, 1.0)
    sigma = 10.0 ** rng.uniform(*exponents, (len(bank.x), len(used)))
    bank.look(used, somewhere(rng, used).geometry(0.0))
    z = bank.h[:, 0] + rng.normal(size=sigma.shape) * np.minimum(sigma, 100.0) * unit
    return bank.correct(z, (sigma * unit) ** 2)


def all_positive_definite(P: np.ndarray) -> bool:
    """Say whether all P (n, 6, 6) are symmetric to the bit and have a Cholesky factor, scaled to a unit diagonal.

    Scaled, because metres and metres per second may differ by ten powers of ten, which the factor must not care for.
    """
    variance = np.einsum("naa->na", P)
    if not (np.all(np.isfinite(P)) and np.all(variance > 0.0) and np.array_equal(P, P.transpose(0, 2, 1))):
        return False
    s = 1.0 / np.sqrt(variance)
    try:
        np.linalg.cholesky(P * s[:, :, None] * s[:, None, :])
    except np.linalg.LinAlgError:
        return False
    return True


def steps_that_fail(exponents: tuple[float, float], tracks: int, steps: int, seed: int) -> list[int]:
    rng = np.random.default_rng(seed)
    bank, bad = Bank(some_states(rng, tracks), np.tile(START_P, (tracks, 1, 1, 1))), []
    for k in range(steps):
        left_alone = extreme_step(bank, rng, exponents)
        if left_alone or not all_positive_definite(bank.P[:, 0]):
            bad.append(k)
    assert np.all(np.isfinite(bank.x))
    return bad


@pytest.mark.jit
def test_covariances_are_positive_definite_after_each_of_a_million_extreme_steps() -> None:
    """1000 tracks, 1000 steps, sigmas from a micrometre (or a microradian) to a thousand kilometres."""
    assert steps_that_fail((-6.0, 6.0), 1000, 1000, 3) == []


def test_covariances_are_positive_definite_after_each_of_some_extreme_steps() -> None:
    """The same for the run without compiled code."""
    assert steps_that_fail((-4.0, 6.0), 4, 40, 4) == []


class Scan:
    """Three tracks, each with its detection by a radar: row i of z, var (3, 4) and like (3, 1) belongs to track i."""

    def __init__(self) -> None:
        rng = np.random.default_rng(8)
        self.bank = Bank(some_states(rng, 3), np.tile(START_P, (3, 1, 1, 1)))
        self.bank.predict(5.0, 0.3)
        self.var, self.like = np.full((3, 4), [25.0, 1e-4, 1e-4, 0.25]), np.ones((3, 1))
        self.look()
        self.z = self.bank.h[:, 0] + rng.normal(size=(3, 4)) * np.sqrt(self.var)

    def look(self) -> None:
        self.bank.look(KINDS[0], Instrument((), (), (0.0, 0.0, 0.0)).geometry(0.0))

    def correct(self) -> int:
        self.look()
        return self.bank.correct(self.z, self.var, self.like)


def state(value: float) -> Callable[[Scan], None]:
    return lambda s: s.bank.x[1, 0].__setitem__(2, value)


def variance(value: float) -> Callable[[Scan], None]:
    return lambda s: s.bank.P[1, 0, 1].__setitem__(1, value)


def detection(value: float) -> Callable[[Scan], None]:
    return lambda s: s.z[1].__setitem__(RANGE, value)


def noise(value: float) -> Callable[[Scan], None]:
    return lambda s: s.var[1].__setitem__(slice(None), value)


def likelihood(value: float) -> Callable[[Scan], None]:
    return lambda s: s.like[1].__setitem__(0, value)


def certain(s: Scan) -> None:
    """Nothing uncertain at all: S is zero."""
    s.bank.P[1], s.var[1] = 0.0, 0.0


def impossible(s: Scan) -> None:
    """A covariance that is none, and an S that has no factor."""
    s.bank.P[1] = -100.0 * np.eye(6)


LEFT_ALONE: dict[str, Callable[[Scan], None]] = {
    "state_nan": state(np.nan),
    "state_inf": state(np.inf),
    "variance_nan": variance(np.nan),
    "variance_inf": variance(np.inf),
    "detection_inf": detection(np.inf),
    "detection_minus_inf": detection(-np.inf),
    "noise_nan": noise(np.nan),
    "likelihood_inf": likelihood(np.inf),
    "certain": certain,
    "impossible": impossible,
}
TAKEN: dict[str, Callable[[Scan], None]] = {
    "detection_nan": detection(np.nan),
    "huge_jump": detection(1e8),
    "detection_beyond_squares": detection(1e200),
    "huge_state": state(1e6),
    "noise_zero": noise(0.0),
    "noise_huge": noise(1e200),
    "likelihood_zero": likelihood(0.0),
    "likelihood_nan": likelihood(np.nan),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # without compiled code NumPy says what compiled code keeps quiet
@pytest.mark.parametrize("name", [*LEFT_ALONE, *TAKEN])
def test_poison_stays_in_the_track_that_it_touches(name: str) -> None:
    """The neighbours come out the same to the bit; the track itself is left as it was and counted, or stays finite."""
    clean, scan = Scan(), Scan()
    assert clean.correct() == 0
    (LEFT_ALONE | TAKEN)[name](scan)
    x, P = scan.bank.x[1].copy(), scan.bank.P[1].copy()
    failed = scan.correct()
    for i in (0, 2):
        np.testing.assert_array_equal(scan.bank.x[i], clean.bank.x[i])
        np.testing.assert_array_equal(scan.bank.P[i], clean.bank.P[i])
    if name in LEFT_ALONE:
        assert failed == 1
        np.testing.assert_array_equal(scan.bank.x[1], x)
        np.testing.assert_array_equal(scan.bank.P[1], P)
    else:
        assert failed == 0
        assert np.all(np.isfinite(scan.bank.x[1]))
        assert np.all(np.isfinite(scan.bank.P[1]))


@pytest.mark.parametrize("jump_m", [1e3, 1e5, 1e7])
def test_a_huge_jump_leaves_a_covariance_that_is_one(jump_m: float) -> None:
    scan = Scan()
    scan.z[1, RANGE] += jump_m
    assert scan.correct() == 0
    assert all_positive_definite(scan.bank.P[:, 0])


def gated(scan: Scan) -> dict[tuple[int, int], float]:
    """Return the likelihood of each pair inside the gate, without those of the poisoned row."""
    scan.look()
    b, pairs = scan.bank, (np.empty(9, np.int64), np.empty(9, np.int64), np.empty((9, 1)))
    count = gating.pair_likelihoods(b.mu, 3, b.h, b.S, scan.z, scan.var, b.used, np.full(9, 30.0), *pairs)
    found = {(int(i), int(j)): float(p[0]) for i, j, p in zip(*(a[:count] for a in pairs), strict=True)}
    return {pair: like for pair, like in found.items() if 1 not in pair}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # without compiled code NumPy says what compiled code keeps quiet
@pytest.mark.parametrize("name", [name for name in (LEFT_ALONE | TAKEN) if "likelihood" not in name])
def test_poison_changes_no_other_pair_of_a_scan(name: str) -> None:
    clean, scan = Scan(), Scan()
    (LEFT_ALONE | TAKEN)[name](scan)
    assert gated(scan) == gated(clean)
    assert set(gated(clean)) >= {(0, 0), (2, 2)}
