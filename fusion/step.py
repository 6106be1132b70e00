"""What one step of the tracker hands from stage to stage."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.sensors import Place, Sensor
from messages.frames import F64

I64 = NDArray[np.int64]


class Scan(NamedTuple):
    """A scan made ready for the kernels: only the k components that any of its m rows measures."""

    sensor: Sensor
    place: Place
    t_ns: int
    g: F64  # geometry of the sensor
    fov: F64
    used: I64  # (k,)
    z: F64  # (m, k)
    var: F64  # (m, k)
    z8: F64  # (m, 8)
    var8: F64  # (m, 8)
    size_rad: F64  # (m,) angular size, NaN where not given
    density: F64  # (m,) clutter
    located: F64  # (m,) 1 where the row has range or position
    class_ratio: F64  # (m, K) likelihood of the class scores over that of an average target; (0, K): no scores
    evidence: F64  # (m, K) log likelihood of scores and kind of sensor; (0, K): says nothing of the class
    lone: bool  # no sensor that could ever give a range is known


class Hits(NamedTuple):
    """What the association found."""

    track: I64  # (pairs,)
    det: I64  # (pairs,)
    beta: F64  # (pairs,)
    seen: F64  # (n,) probability that the scan saw the track
    ranged: F64  # (n,) the same from detections with range or position only
    explained: F64  # (m,) part of each detection that belongs to a track
    clusters: tuple[int, int, int]
    failed: int
