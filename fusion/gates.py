"""Limits of squared Mahalanobis distances."""

from __future__ import annotations

from scipy.special import gammaincinv


def chi_square_limit(probability: float, degrees: int) -> float:
    """Return the value below which chi-square of so many degrees of freedom stays with the probability.

    The incomplete gamma function of scipy.special: scipy.stats would double the import time of the core.
    """
    return float(2.0 * gammaincinv(degrees / 2.0, probability))
