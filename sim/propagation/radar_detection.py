"""Radar detection theory: thresholds, probability of detection of Swerling targets, required SNR.

All signal-to-noise ratios are per pulse (or per coherent dwell), linear where the name says nothing,
``_db`` where it does. Square-law detector, ``pulses`` non-coherently summed, target constant from
pulse to pulse (Swerling 0, 1, 3) or drawn anew for each (2, 4). Source: Marcum 1948, Swerling 1954, in the
notation of Richards, Principles of Modern Radar.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from messages.frames import F64

Swerling = Literal[0, 1, 2, 3, 4]

QUADRATURE_NODES = 256
"""Gauss-Legendre nodes over the quantiles of the fluctuation: the error is below 1e-5 up to 256 pulses."""


def db(linear: ArrayLike) -> F64:
    """Return ``10 lg`` of a linear ratio; zero gives minus infinity."""
    with np.errstate(divide="ignore"):
        return np.asarray(10.0 * np.log10(np.asarray(linear, dtype=np.float64)))


def linear(decibel: ArrayLike) -> F64:
    """Return the linear ratio of decibels."""
    return np.asarray(np.power(10.0, np.asarray(decibel, dtype=np.float64) / 10.0))


def threshold(false_alarm_probability: float, pulses: int = 1) -> float:
    """Return the threshold on the sum of ``pulses`` unit-mean noise powers: ``chi2.isf(Pfa, 2N) / 2``."""
    if pulses == 1:
        return -float(np.log(false_alarm_probability))
    return float(stats.chi2.isf(false_alarm_probability, 2 * pulses)) / 2.0


def detection_probability(
    snr: ArrayLike, false_alarm_probability: float, swerling: Swerling = 1, pulses: int = 1
) -> F64:
    """Return Pd for linear SNR of any shape.

    Closed forms for one pulse (Swerling 1: ``Pfa^(1/(1+snr))``) and for fast fluctuation (a gamma
    distribution, Swerling 4 a binomial mixture of them); for more pulses of a slow one the Swerling 0
    result is averaged over the fluctuation.
    """
    s = np.asarray(snr, dtype=np.float64)
    t = threshold(false_alarm_probability, pulses)
    if swerling == 0:
        return np.asarray(stats.ncx2.sf(2.0 * t, 2 * pulses, 2.0 * pulses * s), dtype=np.float64)
    if swerling in (2, 4):
        return _fast(s, t, swerling, pulses)
    if pulses == 1:
        return _one_pulse(s, t, swerling)
    nodes, weights = _fluctuation_nodes(swerling)
    each = stats.ncx2.sf(2.0 * t, 2 * pulses, 2.0 * pulses * s[..., None] * nodes)
    return np.asarray(each @ weights, dtype=np.float64)


def _one_pulse(s: F64, t: float, swerling: Swerling) -> F64:
    if swerling == 1:
        return np.asarray(np.exp(-t / (1.0 + s)))
    half = s / 2.0
    return np.asarray(np.exp(-t / (1.0 + half)) * (1.0 + t * half / (1.0 + half) ** 2))


def _fast(s: F64, t: float, swerling: Swerling, pulses: int) -> F64:
    """Return Pd of a target drawn anew for each pulse.

    The power of one pulse is exponential of mean ``1 + snr`` (Swerling 2); of Swerling 4 it is, with
    ``a = 1 + snr / 2``, one exponential of mean a with probability 1 / a, else the sum of two.
    """
    if swerling == 2:
        return np.asarray(special.gammaincc(pulses, t / (1.0 + s)))
    a = (1.0 + 0.5 * s)[..., None]
    k = np.arange(pulses + 1)
    return np.asarray(np.sum(stats.binom.pmf(k, pulses, 1.0 - 1.0 / a) * special.gammaincc(pulses + k, t / a), axis=-1))


def _fluctuation_nodes(swerling: Swerling) -> tuple[F64, F64]:
    """Return power factors (mean 1) and weights that average over Swerling 1 (exponential) or 3 (gamma, 2)."""
    x, w = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    u = 0.5 * (x + 1.0)
    shape = 1.0 if swerling == 1 else 2.0
    return np.asarray(stats.gamma.ppf(u, shape, scale=1.0 / shape)), np.asarray(0.5 * w)


def draw_power(rng: np.random.Generator, snr: ArrayLike, swerling: Swerling = 1, pulses: int = 1) -> F64:
    """Draw the summed detector output of a target: fluctuation of the target, then receiver noise.

    Two draws a target, whatever the outcome; Swerling 2 needs one. The output exceeds ``threshold`` with exactly
    ``detection_probability``; its estimate of the SNR per pulse is ``output / pulses - 1``.
    """
    s = np.asarray(snr, dtype=np.float64)
    if swerling == 2:
        return np.asarray(rng.standard_gamma(float(pulses), s.shape) * (1.0 + s))
    if swerling == 4:
        a = 1.0 + 0.5 * s
        doubled = rng.binomial(pulses, 1.0 - 1.0 / a)
        return np.asarray(rng.standard_gamma(pulses + doubled) * a)
    if swerling == 0:
        factor = np.ones_like(s)
    else:
        shape = 1.0 if swerling == 1 else 2.0
        factor = rng.standard_gamma(shape, s.shape) / shape
    return np.asarray(0.5 * rng.noncentral_chisquare(2.0 * pulses, 2.0 * pulses * s * factor))


def required_snr_db(
    probability: float, false_alarm_probability: float, swerling: Swerling = 1, pulses: int = 1
) -> float:
    """Return the SNR per pulse [dB] that gives ``probability``; the exact inverse, by bisection."""

    def excess(snr_db: float) -> float:
        pd = detection_probability(linear(snr_db), false_alarm_probability, swerling, pulses)
        return float(pd) - probability

    return float(optimize.brentq(excess, -40.0, 80.0, xtol=1e-10))


def albersheim_snr_db(probability: float, false_alarm_probability: float, pulses: int = 1) -> float:
    """Return Albersheim's approximation of the required Swerling 0 SNR [dB].

    Good to 0.2 dB for Pd 0.1-0.9 and Pfa 1e-7..1e-3: at Pd 0.9, Pfa 1e-6 it says 13.11 dB where the
    exact answer is 13.18 dB. Use ``required_snr_db`` for anything that is compared with a draw.
    """
    a = np.log(0.62 / false_alarm_probability)
    b = np.log(probability / (1.0 - probability))
    factor = 6.2 + 4.54 / np.sqrt(pulses + 0.44)
    return float(-5.0 * np.log10(pulses) + factor * np.log10(a + 0.12 * a * b + 1.7 * b))


def cfar_detection_probability(snr: ArrayLike, false_alarm_probability: float, reference_cells: int) -> F64:
    """Return Pd of a Swerling 1 target, one pulse, behind a cell-averaging CFAR with ``reference_cells`` cells.

    ``alpha = Pfa^(-1/M) - 1`` multiplies the sum of the cells; ``Pd = (1 + alpha / (1 + snr))^-M``.
    """
    alpha = false_alarm_probability ** (-1.0 / reference_cells) - 1.0
    return np.asarray((1.0 + alpha / (1.0 + np.asarray(snr, dtype=np.float64))) ** -float(reference_cells))
