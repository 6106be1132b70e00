"""Limits of squared Mahalanobis distances."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincinv

from messages.frames import F64


def chi_square_limit(probability: float, degrees: int) -> float:
    """Return the value below which chi-square of so many degrees of freedom stays with the probability.

    The incomplete gamma function of scipy.special: scipy.stats would double the import time of the core.
    """
    return float(2.0 * gammaincinv(degrees / 2.0, probability))


def gate_table(probability: float) -> F64:
    """Return gate limits (9,) by number of measured components."""
    return np.array([0.0, *(chi_square_limit(probability, k) for k in range(1, 9))])
