"""Is the filter as good as it says? Normalised estimation error squared (NEES) of the position.

Bar-Shalom, Li, Kirubarajan, "Estimation with Applications to Tracking and Navigation", section 5.4:
``e' P^-1 e`` of a consistent filter follows chi-square with as many degrees of freedom as ``e`` has components.
"""

from __future__ import annotations

import numpy as np

from messages.frames import F64

DEGREES_OF_FREEDOM = 3
INSIDE_95 = 7.814727903251179  # chi-square, 3 dof, P = 0.95: the 95 % ellipsoid


def full_covariance(upper: F64) -> F64:
    """Return (n, 3, 3) from the (n, 6) upper triangle ``ee, en, eu, nn, nu, uu``."""
    return upper[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3)


def nees(error_m: F64, covariance_upper_m2: F64) -> F64:
    """Return (n,) NEES of (n, 3) errors; NaN where the covariance is unknown or not positive definite."""
    out = np.full(len(error_m), np.nan)
    known = np.flatnonzero(np.isfinite(covariance_upper_m2).all(axis=1))
    covariance = full_covariance(covariance_upper_m2[known])
    positive = np.linalg.eigvalsh(covariance)[:, 0] > 0.0 if len(known) else np.empty(0, dtype=np.bool_)
    known, covariance = known[positive], covariance[positive]
    if len(known):
        error = error_m[known]
        solved = np.linalg.solve(covariance, error[:, :, None])[:, :, 0]
        out[known] = np.einsum("ij,ij->i", error, solved)
    return out


def mean_per_degree(values: F64) -> float | None:
    """Return ANEES / 3: 1 for a consistent filter, above 1 for one that is too sure; None without values."""
    values = values[~np.isnan(values)]
    return float(values.mean() / DEGREES_OF_FREEDOM) if len(values) else None


def share_inside_95(values: F64) -> float | None:
    """Return the share of errors inside the 95 % ellipsoid; None without values."""
    values = values[~np.isnan(values)]
    return float((values <= INSIDE_95).mean()) if len(values) else None
