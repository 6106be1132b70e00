"""Chance by name: one generator for each thing that draws, spawned from the scenario seed and the thing's name.

A name's stream depends on nothing but the seed and the name, so adding a sensor or a target leaves
the draws of all others as they were.
"""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, name: str) -> np.random.Generator:
    """Return the generator of ``name`` (for example ``sensor/tank_1_radar``) in the run with this seed.

    The name enters as four words of its SHA-256: Python's own ``hash`` differs from run to run.
    """
    digest = hashlib.sha256(name.encode()).digest()
    words = tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=words)))
