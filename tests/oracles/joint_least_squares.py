"""Constant biases and whole trajectories solved together, in one dense linear system: slow and obvious.

Unknowns: the state (6,) of every target at every one of its measurements, and the biases b (B,). Equations, each
divided by its standard deviation: the starts, the motion between measurements, and the measurements
``z = H x + C b + noise``. The start has the given mean and covariance; b has none (pass ``prior_var`` for one).
``last_state`` solves the trajectory of one target without biases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Look:
    """One linear measurement of a target: time [s], z (k,), H (k, 6), C (k, B), R (k, k)."""

    t_s: float
    z: np.ndarray
    H: np.ndarray
    C: np.ndarray
    R: np.ndarray


def motion(dt: float, q: float) -> tuple[np.ndarray, np.ndarray]:
    """F and Q (6, 6) of nearly constant velocity by Kronecker products."""
    F = np.kron(np.array([[1.0, dt], [0.0, 1.0]]), np.eye(3))
    Q = np.kron(q * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]]), np.eye(3))
    return F, Q


def solve(
    targets: Sequence[Sequence[Look]], starts: Sequence[np.ndarray], start_var: np.ndarray, q: float,
    prior_var: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return mean (B,) and covariance (B, B) of the biases."""
    states = sum(len(looks) for looks in targets)
    size = len(prior_var)
    rows, right = [], []

    def equation(parts: list[tuple[int, np.ndarray]], value: np.ndarray, noise: np.ndarray) -> None:
        root = np.linalg.inv(np.linalg.cholesky(noise))
        row = np.zeros((len(value), 6 * states + size))
        for column, matrix in parts:
            row[:, column : column + matrix.shape[1]] += root @ matrix
        rows.append(row)
        right.append(root @ value)

    equation([(6 * states, np.eye(size))], np.zeros(size), np.diag(prior_var))
    at = 0
    for looks, start in zip(targets, starts, strict=True):
        equation([(at, np.eye(6))], start, np.diag(start_var))
        for i, look in enumerate(looks):
            if i:
                F, Q = motion(look.t_s - looks[i - 1].t_s, q)
                equation([(at, np.eye(6)), (at - 6, -F)], np.zeros(6), Q)
            equation([(at, look.H), (6 * states, look.C)], look.z, look.R)
            at += 6
    A, y = np.concatenate(rows), np.concatenate(right)
    covariance = np.linalg.inv(A.T @ A)
    return (covariance @ (A.T @ y))[6 * states :], covariance[6 * states :, 6 * states :]


def last_state(
    looks: Sequence[Look], start: np.ndarray, start_var: np.ndarray, q: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (6,) and covariance (6, 6) of a target at its last look, from all its states at once.

    ``start``, with variances ``start_var``, is the state at time 0; C of the looks is not used. Solved by QR, which
    loses half the digits that the normal equations lose.
    """
    size = 6 * (len(looks) + 1)
    blocks, right = [], []

    def equation(at: int, parts: Sequence[np.ndarray], value: np.ndarray, noise: np.ndarray) -> None:
        root = np.linalg.inv(np.linalg.cholesky(noise))
        row = np.zeros((len(value), size))
        for i, matrix in enumerate(parts):
            row[:, at + 6 * i : at + 6 * i + 6] = root @ matrix
        blocks.append(row)
        right.append(root @ value)

    equation(0, [np.eye(6)], start, np.diag(start_var))
    t_s = 0.0
    for i, look in enumerate(looks):
        F, Q = motion(look.t_s - t_s, q)
        equation(6 * i, [-F, np.eye(6)], np.zeros(6), Q)
        equation(6 * i + 6, [look.H], look.z, look.R)
        t_s = look.t_s
    orthogonal, triangle = np.linalg.qr(np.concatenate(blocks))
    solved = np.linalg.solve(triangle, orthogonal.T @ np.concatenate(right))
    inverse = np.linalg.inv(triangle)
    return solved[-6:], (inverse @ inverse.T)[-6:, -6:]
