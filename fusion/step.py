"""What one step of the tracker hands from stage to stage."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.sensors import Place, Sensor
from messages.frames import F64

I64 = NDArray[np.int64]


class Scan(NamedTuple):
    """A scan made ready for the kernels: only the k components that any of its rows measures."""

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
    rows: F64
    class_names: tuple[str, ...]


class Hits(NamedTuple):
    """What the association found."""

    track: I64  # (pairs,)
    det: I64  # (pairs,)
    beta: F64  # (pairs,)
    hit: F64  # (n,) probability that the scan saw the track
    ranged: F64  # (n,) the same from detections with range or position only
    visible: F64  # (n,)
    explained: F64  # (m,) part of each detection that belongs to a track
    clusters: tuple[int, int, int]
    failed: int
