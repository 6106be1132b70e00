"""One scan through the table of tracks, in three compiled stages: foresee, associate, settle.

Between the stages stand what is not hot: the growth of the room for pairs, a filter of somebody else's in place
of the compiled one, and births.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import (
    association,
    classes,
    consider,
    existence,
    gating,
    jit,
    judging,
    linearising,
    merging,
    motion,
    update,
)
from fusion.kernels.bundles import ClassRules, Columns, Look, Rules, Work
from messages.frames import F64


@jit
def carve(flat: F64, n: int, models: int, k: int, size: int) -> tuple[F64, F64, F64, F64, F64]:
    """Return h (n, M, k), H (n, M, k, size), PHt (n, M, size, k), S and R (n, M, k, k) inside one piece of memory."""
    a = n * models * k
    b = a + n * models * k * size
    c = b + n * models * k * size
    d = c + n * models * k * k
    e = d + n * models * k * k
    return (
        flat[:a].reshape(n, models, k),
        flat[a:b].reshape(n, models, k, size),
        flat[b:c].reshape(n, models, size, k),
        flat[c:d].reshape(n, models, k, k),
        flat[d:e].reshape(n, models, k, k),
    )


@jit
def shared(flat: F64, c: Columns, n: int, look: Look) -> F64:
    """Return Y (n, M, k, B) of ``kernels.consider`` inside one piece of memory."""
    models, k, size = c.mu.shape[1], len(look.used), c.cross.shape[3]
    return flat[: n * models * k * size].reshape(n, models, k, size)


@jit
def age(c: Columns, n: int, dt: float, rules: Rules, support_s: float) -> None:
    """Let existence and what is remembered fade over dt [s]."""
    life, memory, support = np.exp(-dt / rules.mean_life_s), np.exp(-dt / rules.memory_s), np.exp(-dt / support_s)
    clutter = np.exp(-dt / rules.clutter_memory_s)
    for i in range(n):
        c.r[i] *= life
        c.ranged_hits[i] *= support
        for s in range(c.shares.shape[1]):
            c.shares[i, s] *= memory
            c.unexplained[i, s] *= clutter


@jit
def foresee(c: Columns, n: int, move: bool, dt: float, since_look_s: float, look: Look, rules: Rules, support_s: float,
            work: Work) -> int:  # fmt: skip
    """Predict the tracks to the scan (``move``: else somebody has), judge what it should see, gate its detections.

    ``since_look_s``: time since the sensor's last look. Returns the number of pairs, which is larger
    than the room for them where that was too small.
    """
    if dt > 0.0:
        if move:
            motion.predict_tracks(c.x, c.P, c.mu, n, rules.q, rules.tau_s, rules.stationary, rules.sojourn_s, dt)
        age(c, n, dt, rules, support_s)
    motion.outputs(c.x, c.P, c.mu, n, work.xm, work.Pm)
    gating.visibility(work.xm, work.Pm, n, look.g, look.fov, look.notch_mps, work.visible)
    stay = np.exp(-since_look_s / rules.memory_s)
    levels = c.levels[:, look.slot]
    existence.expected_pd(levels, n, look.level_prior, stay, look.level_pd, work.visible, work.pd)
    if len(look.z) == 0 or n == 0:
        return 0
    told = c.shares, c.ranged_hits, n, look.carried, look.slot, rules.pose_looks
    existence.bias_scales(*told, work.pose_scale, work.own_scale)
    h, H, PHt, S, R = carve(work.flat, n, c.mu.shape[1], len(look.used), c.x.shape[2])
    pose_scale = work.pose_scale if look.block < 0 else work.nothing
    linearising.linearise(c.x, c.P, n, look.used, look.g, pose_scale, work.own_scale, h, H, PHt, S, R)
    if c.cross.shape[3]:
        Y = shared(work.shared, c, n, look)
        consider.look(c.cross, c.x, c.P, n, look.g, look.used, look.block, H, PHt, S, R, Y)
    return gate(c, n, look, rules, work)


@jit
def gate(c: Columns, n: int, look: Look, rules: Rules, work: Work) -> int:
    """List the gated pairs of the linearised tracks; return how many there are, whatever the room."""
    h, _, _, S, _ = carve(work.flat, n, c.mu.shape[1], len(look.used), c.x.shape[2])
    args = look.z, look.var, look.used, rules.gate_d2, work.track, work.det, work.like
    return gating.pair_likelihoods(c.mu, n, h, S, *args)


@jit
def associate(
    c: Columns, n: int, pairs: int, amend: bool, look: Look, rules: Rules, work: Work, explained: F64, trusted: F64
) -> tuple[tuple[int, int, int, int, float], int]:
    """Find the joint association probabilities and update tracks (``amend``: else somebody will) and existence.

    Writes explained (m,), the part of each detection that belongs to a track, and trusted (m,), to a well-seen one.
    Returns what ``association.marginals`` returns, and the number of tracks whose update was not finite.
    """
    track, det, like = work.track[:pairs], work.det[:pairs], work.like[:pairs]
    w, beta = work.w[:pairs], work.beta[:pairs]
    levels = c.levels[:, look.slot]
    existence.stand_firm(levels, n, track, det, rules.crowd, look, work.visible, work.pd)
    if pairs and len(look.class_ratio):
        classes.weigh_pairs(like, c.log_class, track, det, look.class_ratio, rules.most_class_factor)
    existence.weights(c.r, work.pd, c.mu, like, track, det, look.density, n, w, work.w0, work.start)
    counts, failed = (0, 0, 0, 0, 0.0), 0
    for i in range(n):
        work.miss[i] = 1.0
    if pairs:
        args = work.start, det, n, len(look.z), rules.work_limit, work.cells, beta, work.miss
        counts = association.marginals(w, work.w0, *args)
        h, H, PHt, S, R = carve(work.flat, n, c.mu.shape[1], len(look.used), c.x.shape[2])
        if c.cross.shape[3]:
            known = PHt, S, shared(work.shared, c, n, look), look.z, look.var, look.used
            consider.learn(c.cross, c.mu, n, *known, work.start, det, like, beta, work.miss)
        if amend:
            failed = update.update_tracks(
                c.x, c.P, c.mu, n, h, H, PHt, S, R, look.z, look.var, look.used, work.start, det, like, beta, work.miss
            )
    existence.update_existence(c.r, levels, n, look.level_pd, work.visible, work.pd, work.miss, work.w0)
    existence.count_hits(n, track, det, beta, work.miss, look.located, work.seen, work.ranged, explained)
    existence.trust(track, det, beta, c.shares[:, look.slot], c.born_ns, look, rules.memory_s, trusted)
    existence.own_clutter(track, det, beta, trusted, look, rules.clutter_memory_s, c.unexplained[:, look.slot])
    for i in range(n):
        c.hits[i] += work.seen[i]
        c.shares[i, look.slot] += work.seen[i]
    return counts, failed


@jit
def settle(
    c: Columns, old: int, n: int, pairs: int, t_ns: int, dt: float, look: Look, lone: bool, limit: F64,
    places: NDArray[np.int64], kinds: ClassRules, merge: F64, after: NDArray[np.int8], work: Work,
) -> tuple[int, int]:  # fmt: skip
    """Judge every track after births (rows ``old`` .. n): its class, its place, its life; remove the deleted ones.

    ``limit``: see ``kernels.judging``; ``merge``: see ``kernels.merging``; ``after`` (states, events): the table of the
    life cycle. Returns the number of tracks left, and the first row whose event its state does not allow, or -1.
    """
    motion.outputs(c.x, c.P, c.mu, n, work.xm, work.Pm)
    _identify(c, old, n, pairs, t_ns, dt, look, kinds, work)
    for i in range(old):
        if work.seen[i] > 0.5:
            c.seen_ns[i] = t_ns
        if work.ranged[i] > 0.5:
            c.ranged_ns[i] = t_ns
        c.ranged_hits[i] += work.ranged[i]
    judging.place_supported(
        n, t_ns, c.ranged_ns, c.ranged_hits, c.shares, places, lone, limit, c.supported, c.supported_ns
    )
    count = judging.judge_tracks(
        n, t_ns, c.state, c.r, c.first_r, c.hits, c.born_ns, c.seen_ns, c.ranged_ns, c.supported,
        c.supported_ns, work.xm, work.Pm, lone, limit, work.event,
    )  # fmt: skip
    count += merging.merge_twins(c, work.xm, work.Pm, old, n, work.seen, merge, work.elder, work.event)
    if pairs and places[look.slot] >= 0:
        found = work.track[:pairs], work.det[:pairs], work.beta[:pairs], len(look.z)
        count += merging.end_shadows(c, old, *found, work.seen, merge, work.event)
    if count == 0:
        return n, -1
    for i in range(n):  # first look, then change: an illegal event changes nothing
        if work.event[i] != judging.NO_EVENT and after[c.state[i], work.event[i]] < 0:
            return n, i
    for i in range(n):
        if work.event[i] != judging.NO_EVENT:
            c.state[i] = after[c.state[i], work.event[i]]
    return _compact(c, n, work), -1


@jit
def _identify(
    c: Columns, old: int, n: int, pairs: int, t_ns: int, dt: float, look: Look, kinds: ClassRules, work: Work
) -> None:
    """Take the scan's scores, its kind of evidence and the motion over dt [s] into the class posterior."""
    weight = min(dt / kinds.motion_memory_s, 1.0)
    speeds = kinds.low_mps, kinds.high_mps, kinds.soft_mps, kinds.height
    classes.add_motion(c.log_class, work.xm, work.Pm, n, *speeds, kinds.motion_floor, weight)
    if pairs and len(look.evidence):
        last = c.class_ns[:, look.slot]
        found = work.track[:pairs], work.det[:pairs], work.beta[:pairs]
        memory, most = kinds.score_memory_s, kinds.most_of_a_look
        classes.add_evidence(c.log_class, last, old, t_ns, memory, most, *found, look.evidence, work.seen)
    classes.bound(c.log_class, n, kinds.max_log_ratio)


@jit
def _compact(c: Columns, n: int, work: Work) -> int:
    """Close the gaps that deleted tracks leave; return how many are left."""
    left = 0
    for i in range(n):
        if c.state[i] == judging.DELETED:
            continue
        if left < i:
            _move(c, i, left)
            work.xm[left] = work.xm[i]
            work.Pm[left] = work.Pm[i]
        left += 1
    return left


@jit
def _move(c: Columns, i: int, to: int) -> None:
    """Copy one row of the table to another place."""
    c.x[to], c.P[to], c.mu[to], c.cross[to] = c.x[i], c.P[i], c.mu[i], c.cross[i]
    c.levels[to], c.shares[to], c.unexplained[to] = c.levels[i], c.shares[i], c.unexplained[i]
    c.log_class[to], c.class_ns[to] = c.log_class[i], c.class_ns[i]
    c.r[to], c.first_r[to], c.hits[to], c.ranged_hits[to] = c.r[i], c.first_r[i], c.hits[i], c.ranged_hits[i]
    c.track_id[to], c.state[to], c.born_ns[to], c.seen_ns[to] = c.track_id[i], c.state[i], c.born_ns[i], c.seen_ns[i]
    c.ranged_ns[to], c.supported[to], c.supported_ns[to] = c.ranged_ns[i], c.supported[i], c.supported_ns[i]
    c.twin[to], c.twin_count[to], c.contested[to] = c.twin[i], c.twin_count[i], c.contested[i]
