"""Noise that somebody radiates into a receiver's band: how far it raises the noise floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from messages.frames import F64


@dataclass(frozen=True)
class Jammer:
    """One source of noise: the rise of the floor by it alone, and its band; None: every frequency."""

    rise_db: float
    band_hz: tuple[float, float] | None = None


def floor_rise(jammers: tuple[Jammer, ...], frequency_hz: F64) -> F64:
    """Return the linear factor (n,) of the noise floor at frequencies (n,): exactly 1 without a jammer.

    A jammer that raises the floor by a factor f alone has the power (f - 1) N; powers of several add.
    """
    rise = np.ones(len(frequency_hz))
    for jammer in jammers:
        low_hz, high_hz = jammer.band_hz or (0.0, np.inf)
        inside = (frequency_hz >= low_hz) & (frequency_hz <= high_hz)
        rise += np.where(inside, 10.0 ** (jammer.rise_db / 10.0) - 1.0, 0.0)
    return rise
