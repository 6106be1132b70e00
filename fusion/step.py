"""What one step of the tracker hands from stage to stage."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.kernels.bundles import Look
from fusion.sensors import Place, Sensor
from messages.frames import F64


class Scan(NamedTuple):
    """A scan made ready for the kernels: ``look`` holds what they take, the rest serves births and bookkeeping."""

    sensor: Sensor
    place: Place
    t_ns: int
    look: Look
    z8: F64  # (m, 8) all components, NaN where not measured
    var8: F64  # (m, 8)
    size_rad: F64  # (m,) angular size, NaN where not given
    lone: bool  # no sensor that could ever give a range is known


class Hits(NamedTuple):
    """What the association found; its arrays are the tracker's own and change with the next step."""

    n: int  # tracks that took part
    track: NDArray[np.int64]  # (pairs,)
    det: NDArray[np.int64]  # (pairs,)
    beta: F64  # (pairs,)
    explained: F64  # (m,) part of each detection that belongs to a track
    trusted: F64  # (m,) part that belongs to one which its sensor sees as often as it should
    clusters: tuple[int, int, int, int, float]  # as kernels.association.marginals returns them
    failed: int
