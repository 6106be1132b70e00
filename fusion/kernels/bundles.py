"""Arrays that always travel together, as named tuples: a kernel takes the bundle and names what it uses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64

I64 = NDArray[np.int64]


class Columns(NamedTuple):
    """The track table; the first axis is the track."""

    x: F64  # (C, M, n) state of each model, n = 6 or, where any has an acceleration, 9
    P: F64  # (C, M, n, n) its covariance
    cross: F64  # (C, M, n, B) covariance of each state with the platforms' errors, see kernels.consider
    mu: F64  # (C, M) model probabilities
    r: F64  # (C,) existence
    first_r: F64  # (C,) existence at birth
    levels: F64  # (C, S, L) detectability levels for each sensor
    shares: F64  # (C, S) recent contribution of each sensor, decaying
    unexplained: F64  # (C, S) what its own detections added to each sensor's map of clutter
    log_class: F64  # (C, K) log class posterior, not normalised
    class_ns: I64  # (C, S) time of the last class score taken from each sensor
    track_id: I64  # (C,)
    state: NDArray[np.int8]  # (C,) fusion.lifecycle.State
    born_ns: I64
    seen_ns: I64  # last associated detection
    ranged_ns: I64  # last associated detection of a sensor that measures range or position
    ranged_hits: F64  # the same as hits, of those detections only, decaying with the support time
    supported: NDArray[np.bool_]  # its place is supported, not only its direction
    supported_ns: I64  # when it last was
    hits: F64  # sum of association probabilities
    twin: I64  # track_id of the elder that this one looks equal to, 0 for none
    twin_count: I64  # looks that were shared with it and fed only one of the two
    contested: I64  # looks in a row in which a track with a measured range wanted the one bearing that fed it


class Look(NamedTuple):
    """A scan of m detections with k used components, ready for the kernels."""

    g: F64  # geometry of the sensor, see kernels.measurement
    fov: F64  # (8,) limits, see kernels.gating.visibility
    used: I64  # (k,) rising
    z: F64  # (m, k) NaN where not measured
    var: F64  # (m, k)
    density: F64  # (m,) clutter
    located: F64  # (m,) 1 where the row has range or position
    class_ratio: F64  # (m, K) likelihood of the class scores over that of an average target; (0, K): no scores
    evidence: F64  # (m, K) log likelihood of scores and kind of sensor; (0, K): says nothing of the class
    level_prior: F64  # (L,) of the sensor
    level_pd: F64  # (L,)
    carried: F64  # (S,) 1 for the sensors on the same platform
    ranging: F64  # (S,) 1 for the sensors that measure range or place
    slot: int
    block: int  # first column of its platform's errors, -1 for none
    notch_mps: float
    t_ns: int
    period_s: float


class Rules(NamedTuple):
    """What is set for all scans; see ``fusion.config``."""

    q: F64  # (M,) m^2/s^3
    tau_s: F64  # (M,) correlation time of acceleration, 0: white
    stationary: F64  # (M,)
    sojourn_s: float
    mean_life_s: float
    memory_s: float  # of detectability and shares
    clutter_memory_s: float
    pose_looks: F64  # (2,) share of the remembered looks that carry one constant error, see existence.bias_scales
    most_class_factor: float
    work_limit: float
    crowd: int  # tracks that want one plot
    gate_d2: F64  # (9,)


class ClassRules(NamedTuple):
    """What the class posterior is made with; see ``fusion.identity``."""

    low_mps: F64  # (K,) usual speeds of a class
    high_mps: F64
    soft_mps: F64
    height: F64
    motion_floor: float
    motion_memory_s: float
    score_memory_s: float
    most_of_a_look: float
    max_log_ratio: float


class Work(NamedTuple):
    """Memory that the kernels write to and that nobody reads after the step."""

    xm: F64  # (C, 6) moment-matched output
    Pm: F64  # (C, 6, 6)
    visible: F64  # (C,)
    pd: F64  # (C,)
    pose_scale: F64  # (C,)
    own_scale: F64  # (C,)
    nothing: F64  # (C,) zeros
    w0: F64  # (C,)
    miss: F64  # (C,)
    seen: F64  # (C,)
    ranged: F64  # (C,)
    start: I64  # (C + 1,)
    elder: I64  # (C,)
    event: NDArray[np.int8]  # (C,)
    flat: F64  # (C M (k + 2 n k + 2 k^2),) h, H, PHt, S and R for k <= 8
    shared: F64  # (C M k B,) what innovations share with the platforms' errors
    cells: F64  # forward vectors of the exact association
    track: I64  # (pairs,)
    det: I64  # (pairs,)
    like: F64  # (pairs, M)
    w: F64  # (pairs,)
    beta: F64  # (pairs,)


def work_for(shape: tuple[int, ...], cells: int, pairs: int) -> Work:
    """Return memory for a table whose states have this shape (C, M, n), and for so many gated pairs."""
    capacity, models, states = shape
    one, k = np.zeros(capacity), 8
    names = "visible", "pd", "pose_scale", "own_scale", "nothing", "w0", "miss", "seen", "ranged"
    return Work(
        xm=np.zeros((capacity, 6)),
        Pm=np.zeros((capacity, 6, 6)),
        **{name: one.copy() for name in names},
        start=np.zeros(capacity + 1, np.int64),
        elder=np.zeros(capacity, np.int64),
        event=np.zeros(capacity, np.int8),
        flat=np.zeros(capacity * models * (k + 2 * states * k + 2 * k * k)),
        shared=np.zeros(0),
        cells=np.zeros(cells),
        track=np.zeros(pairs, np.int64),
        det=np.zeros(pairs, np.int64),
        like=np.zeros((pairs, models)),
        w=np.zeros(pairs),
        beta=np.zeros(pairs),
    )


def with_pairs(work: Work, pairs: int) -> Work:
    """Return the same memory with room for so many gated pairs."""
    room = np.zeros(pairs)
    number = np.zeros(pairs, np.int64)
    like = np.zeros((pairs, work.like.shape[1]))
    return work._replace(track=number, det=number.copy(), like=like, w=room, beta=room.copy())
