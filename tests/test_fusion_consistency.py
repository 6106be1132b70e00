"""Errors and innovations are as large as the filter says, for every kind of measurement, on matched models.

At each of 20 instants the mean over 200 runs of NEES (6 degrees of freedom) or NIS (as many as components) should lie
in its two-sided 95 % chi-square band. Every instant has 200 runs of its own, so the instants are independent, and
what many bands together must show follows from that alone:

- of 20 instants, so many lie inside their band as the binomial distribution allows,
- the mean over all instants (4000 runs) lies in its own chi-square band, which sees errors of a few per cent.

Both rules, for NEES and NIS, are asked of each kind; each may fail by chance with a probability of 5 % divided by
the number of all these questions, so that a right filter passes the whole file 19 times in 20 (Bonferroni).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from matched_scene import (
    KINDS,
    START,
    START_SIGMA,
    Bank,
    Instrument,
    distance2,
    flat_radar,
    fly,
    pairs,
    with_noise,
)
from scipy.stats import binom, chi2

pytestmark = [pytest.mark.kernels, pytest.mark.jit]  # 42,000 updates a kind: minutes without compiled code

RUNS, INSTANTS, INTENSITY, SEED = 200, 20, 4.0, 1  # q [m^2/s^3]
DOUBT = 0.05 / (4 * len(KINDS))


@dataclass(frozen=True)
class Verdict:
    """One statistic of one kind: instants inside their 95 % band; mean over its expectation, and the band of that."""

    inside: int
    mean: float
    low: float
    high: float

    @property
    def fine(self) -> bool:
        return bool(self.inside >= binom.ppf(DOUBT, INSTANTS, 0.95) and self.low < self.mean < self.high)


def judge(sums: list[float], dofs: list[int]) -> Verdict:
    """Judge the sums over all runs of an instant, of so many degrees of freedom."""
    inside = sum(chi2.ppf(0.025, dof) < total < chi2.ppf(0.975, dof) for total, dof in zip(sums, dofs, strict=True))
    low, high = chi2.ppf([DOUBT / 2.0, 1.0 - DOUBT / 2.0], sum(dofs)) / sum(dofs)
    return Verdict(inside, sum(sums) / sum(dofs), low, high)


def statistics(
    sensors: Sequence[Instrument],
    seed: int,
    sigma_factor: float = 1.0,
    q_factor: float = 1.0,
    start_factor: float = 1.0,
) -> tuple[Verdict, Verdict]:
    """Return NEES and NIS of sensors that look in turn, 0.1 to 0.9 s apart.

    The first two factors make the filter believe something wrong; the third widens what it starts from, rightly.
    """
    rng, n, start_sigma = np.random.default_rng(seed), RUNS * INSTANTS, START_SIGMA * start_factor
    truth = START + rng.normal(size=(n, 6)) * start_sigma
    p, v, t = truth[:, :3], truth[:, 3:], 0.0
    bank = Bank(np.tile(START, (n, 1, 1)), np.tile(np.diag(start_sigma**2), (n, 1, 1, 1)))
    nees: list[float] = []
    nis: list[float] = []
    dofs: list[int] = []
    for k in range(INSTANTS):
        dt = float(rng.uniform(0.1, 0.9))
        t += dt
        p, v = fly(p, v, INTENSITY, dt, rng)
        bank.predict(INTENSITY * q_factor, dt)
        sensor = sensors[k % len(sensors)]
        z = sensor.measure(p, v, t, rng)
        var = np.broadcast_to((np.array(sensor.sigma) * sigma_factor) ** 2, z.shape).copy()
        bank.look(sensor.used, sensor.geometry(t))
        y, S = bank.innovations(z), with_noise(bank.S, var)
        assert bank.correct(z, var) == 0
        error = np.hstack([p, v]) - bank.x[:, 0]
        nees.append(float(distance2(error[:RUNS], bank.P[:RUNS, 0]).sum()))
        nis.append(float(distance2(y[:RUNS], S[:RUNS]).sum()))
        dofs.append(int(np.isfinite(y[:RUNS]).sum()))
        p, v, bank = p[RUNS:], v[RUNS:], Bank(bank.x[RUNS:].copy(), bank.P[RUNS:].copy())  # the next instant's own runs
    return judge(nees, [6 * RUNS] * INSTANTS), judge(nis, dofs)


@pytest.mark.parametrize("kind", KINDS)
def test_errors_and_innovations_are_as_large_as_the_filter_says(kind: str) -> None:
    nees, nis = statistics(KINDS[kind], SEED)
    assert nees.fine, nees
    assert nis.fine, nis


@pytest.mark.parametrize("wrong", [(1.1, 1.0), (1 / 1.1, 1.0), (1.0, 2.0), (1.0, 0.5)])
@pytest.mark.parametrize("kind", KINDS)
def test_noise_ten_per_cent_off_and_a_doubled_intensity_are_noticed(kind: str, wrong: tuple[float, float]) -> None:
    """The same runs, believed wrongly: what the test above would say of a filter with such a fault."""
    nees, nis = statistics(KINDS[kind], SEED, *wrong)
    assert not (nees.fine and nis.fine)


@pytest.mark.xfail(
    strict=True, reason="height bends the range the same way in every look; R takes that for white noise"
)
def test_a_near_radar_without_elevation_is_as_sure_as_it_may_be() -> None:
    """1.1 km away a height known to 30 m, and 40 m after 10 s, bends the range by up to 0.7 m.

    That is about as much as the filter is sure of the range. From 2.6 km, in the first test, it bends it by 0.3 m.
    """
    near = replace(flat_radar, position_m=(0.0, 0.0, 2.0))
    nees, nis = statistics([near], SEED, start_factor=3.0)
    assert nees.fine, nees
    assert nis.fine, nis


def test_arrival_time_differences_from_an_uncertain_start_are_as_sure_as_they_may_be() -> None:
    """A start known to 40 m and 20 m/s, with baselines of 1.2 to 1.9 km: without second-order terms NEES is 1.05."""
    nees, nis = statistics(pairs, SEED, start_factor=4.0)
    assert nees.fine, nees
    assert nis.fine, nis


@pytest.mark.xfail(strict=True, reason="so wide a start makes crooked densities: innovations are 7 % smaller")
def test_arrival_time_differences_from_a_very_uncertain_start_are_as_sure_as_they_may_be() -> None:
    """A start known to 50 m and 25 m/s: NEES is 1.02 with second-order terms, 1.16 without; NIS is 0.93."""
    nees, nis = statistics(pairs, SEED, start_factor=5.0)
    assert nees.fine, nees
    assert nis.fine, nis
