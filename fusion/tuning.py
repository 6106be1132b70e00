"""Choose what a user cannot know well from the tracker's own evidence: each sensor's noise and rates, and the motion.

A parameter whose evidence is not clear keeps its default. Clear means: beyond the errors of the estimate, and large
enough to matter; below that a change only exchanges one chance result for another.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from fusion.config import MotionConfig
from fusion.foresight import Foresight, foresee
from fusion.kernels.measurement import N_COMPONENTS
from fusion.noise import Noise, noise
from fusion.rates import clutter, detection_probability
from fusion.witness import Seen, Witness
from messages.frames import F64
from messages.types import SensorDescription

SURELY = 3.0  # sigmas of an estimate that its default must be away
SCALE_MATTERS = 0.15  # of sigma: a filter with 15 per cent too much or too little loses 1 per cent of its accuracy
SHARED_MATTERS = 0.4  # the same where many detections are not clearly of one track: those far off are missing
SCALE_LIMITS = (0.2, 5.0)  # beyond, the sensors file says something else than it means (units, variance for sigma)
CLUTTER_MATTERS = 0.3  # of the density: the log of the odds moves by as much
CLUTTER_MATTERS_PER_SCAN = 0.3  # and in number: fewer false detections make no tracks
BEARING_MATTERS = 3.0  # times as much where there is no range: what is unexplained may be targets that nobody can place
PD_MATTERS = 0.1  # the levels of detectability follow smaller differences by themselves
PD_LIMITS = (0.1, 0.99)
FEWEST_LOOKS = 50  # of rates: a probability is then known to 7 per cent
MOTION_MATTERS = 0.03  # mean gain of log density a detection: 3 per cent in likelihood, some per cent of accuracy
MOTION_SURELY = 2.0  # sigmas of the gain
FEWEST_PIECES = 6  # of tracks: a spread of fewer says little
CLEAR_SHARE = 0.75  # of the detections that belong to tracks: in a flock the others decide which models are best
LEAST_CLEAR_SHARE = (
    0.6  # of them: between the two a gain of motion models must be twice as large, below it says nothing
)
SCALES = (1.0, 0.3, 3.0, 0.1)  # of the intensities of all models; nearest to the default first
SINGLE = (1.0, 3.0, 0.3, 10.0, 0.1, 30.0)  # m^2/s^3, one model alone
LEAST_SHARE = 0.05  # of a model: a target may do tomorrow what none of them did today
FIT_ROUNDS = 4  # of expectation and maximisation of the shares: the gain of a fifth is below 1 per cent of the whole


class Choice(NamedTuple):
    """One parameter: the value to use, what it was, whether the evidence chose it, and the evidence in words."""

    value: float
    default: float
    clear: bool
    evidence: str


class SensorChoice(NamedTuple):
    """The choices for one sensor; ``sigma_scale`` by component, times what the sensors file states."""

    sigma_scale: dict[int, Choice]
    detection_probability: Choice
    clutter_per_scan: Choice


class MotionChoice(NamedTuple):
    """The motion models to use, what they were, whether the evidence chose them, and the evidence in words."""

    value: MotionConfig
    default: MotionConfig
    clear: bool
    evidence: str


def tidy(value: float) -> float:
    """Return a number with four significant digits: what a file shows is what is used."""
    return float(f"{value:.4g}")


def choose_sensor(
    witness: Witness, stated: SensorDescription, alike: Collection[str], scales: Mapping[int, float]
) -> SensorChoice:
    """Choose for one sensor; ``scales``: by component, of the stated sigmas in the run that the witness saw.

    ``alike``: the sensors of the same make, itself among them; they share their noise, which one alone may not show.
    """
    book = witness.book.sensors
    slot, slots = book[stated.sensor_id].slot, {book[name].slot for name in alike}
    found = noise(witness.seen, slots, stated.scan_period_s)
    matters = SCALE_MATTERS if clear_share(witness, slots) >= CLEAR_SHARE else SHARED_MATTERS
    scale = {c: _scale(n, scales.get(c, 1.0), matters) for c, n in found.items()}
    return SensorChoice(scale, _detection(witness, slot, stated), _clutter(witness, slot, stated))


def clear_share(witness: Witness, slots: Collection[int]) -> float:
    """Return which share of the detections of sensors that belong to tracks clearly belongs to one."""
    explained = sum(look.detections - look.unexplained for look in witness.looks if look.slot in slots)
    return sum(len(s.track_id) for s in witness.seen if s.slot in slots) / max(explained, 1.0)


def _scale(found: Noise, used: float, matters: float) -> Choice:
    """Choose the scale of the stated sigma; ``used``: the one with which the detections were associated."""
    if found.trouble:
        return Choice(1.0, 1.0, False, f"kept: {found.trouble}")
    scale, sigma = found.scale * used, found.sigma * used
    said = f"noise is {scale:.3g} +- {sigma:.2g} times the stated one, in {found.differences} third differences"
    if not SCALE_LIMITS[0] <= scale <= SCALE_LIMITS[1]:
        return Choice(1.0, 1.0, False, f"kept: {said}: beyond belief, look at the units of the sensors file")
    off = abs(math.log(scale))
    clear = off > matters and off > SURELY * sigma / scale
    return Choice(tidy(scale), 1.0, True, said) if clear else Choice(1.0, 1.0, False, f"kept: {said}")


def _detection(witness: Witness, slot: int, stated: SensorDescription) -> Choice:
    rate, default = detection_probability(witness.looks, slot), stated.detection_probability
    if rate.looks < FEWEST_LOOKS:
        return Choice(default, default, False, f"kept: only {rate.looks} looks at tracks, {FEWEST_LOOKS} are needed")
    said = f"tracks were seen in {rate.value:.3g} +- {rate.sigma:.2g} of {rate.looks} looks"
    value = tidy(min(max(rate.value, PD_LIMITS[0]), PD_LIMITS[1]))
    off = abs(value - default)
    clear = off > PD_MATTERS and off > SURELY * rate.sigma
    if clear and value < default and not witness.book.sensors[stated.sensor_id].ranged:
        return Choice(default, default, False, f"kept: {said}, which targets out of its sight or hearing explain")
    return Choice(value, default, True, said) if clear else Choice(default, default, False, f"kept: {said}")


def _clutter(witness: Witness, slot: int, stated: SensorDescription) -> Choice:
    rate, default = clutter(witness.looks, slot), stated.clutter_per_scan
    rate = rate._replace(value=max(rate.value, 0.0))  # a sum of probabilities may exceed 1 by its rounding
    if rate.looks < FEWEST_LOOKS:
        return Choice(default, default, False, f"kept: only {rate.looks} looks, {FEWEST_LOOKS} are needed")
    said = f"{rate.value:.3g} +- {rate.sigma:.2g} detections of a look belong to no track, in {rate.looks} looks"
    off = abs(rate.value - default)
    weight = 1.0 if witness.book.sensors[stated.sensor_id].ranged else BEARING_MATTERS
    clear = off > SURELY * rate.sigma and off > weight * max(CLUTTER_MATTERS * default, CLUTTER_MATTERS_PER_SCAN)
    return Choice(tidy(rate.value), default, True, said) if clear else Choice(default, default, False, f"kept: {said}")


def choose_motion(witness: Witness, default: MotionConfig) -> MotionChoice:
    """Choose the motion models that foresee the clear detections best; all of them foresee the same ones.

    One model alone has nothing for a sudden turn, so it must be better than the best mixture by as much again.
    """
    seen = [s for s in witness.seen if not s.lone]  # a range that was assumed knows nothing of metres
    base = foresee(seen, default)
    n, pieces = base.detections, len(base.log_density)
    if pieces < FEWEST_PIECES:
        return MotionChoice(default, default, False, f"kept: only {n} clear detections in tracks that last")
    share = clear_share(witness, range(len(witness.book.sensors)))
    if share < LEAST_CLEAR_SHARE:
        needed = f"{LEAST_CLEAR_SHARE:.0%} are needed"
        said = f"kept: only {share:.0%} of the tracks' detections clearly belong to one, {needed}"
        return MotionChoice(default, default, False, said)
    least = MOTION_MATTERS * n * (1.0 if share >= CLEAR_SHARE else 2.0)
    over = f"over {n} detections in {pieces} pieces of tracks"
    mixture = _best(seen, _mixtures(seen, default))
    chosen = mixture if _better(mixture[1], base, least) else (default, base)
    alone = _best(seen, [MotionConfig((q,), (1.0,), default.sojourn_s, ()) for q in SINGLE])
    chosen = alone if _better(alone[1], chosen[1], least) else chosen
    if chosen[0] is default:
        gain, sigma = _gain(mixture[1], base)
        return MotionChoice(default, default, False, f"kept: others foresee by {gain:.3g} +- {sigma:.2g} better {over}")
    gain, sigma = _gain(chosen[1], base)
    return MotionChoice(chosen[0], default, True, f"log predictive density {gain:.4g} +- {sigma:.2g} higher {over}")


def _best(seen: Sequence[Seen], candidates: Sequence[MotionConfig]) -> tuple[MotionConfig, Foresight]:
    """Return the first candidate whose log predictive density is within one sigma of the highest (Breiman 1984)."""
    found = [(m, foresee(seen, m)) for m in candidates]
    top = max((foresight for _, foresight in found), key=lambda foresight: float(foresight.log_density.sum()))
    return next(item for item in found if _as_good(item[1], top))


def _as_good(foresight: Foresight, top: Foresight) -> bool:
    gain, sigma = _gain(top, foresight)
    return gain <= sigma


def _mixtures(seen: Sequence[Seen], default: MotionConfig) -> list[MotionConfig]:
    """Return the default's models scaled, each with the default's shares and with shares that fit the detections."""
    scaled = [
        replace(default, acceleration_intensity=tuple(tidy(k * q) for q in default.acceleration_intensity))
        for k in SCALES
    ]
    return [*scaled, *(_fitted(seen, m) for m in scaled)]


def _fitted(seen: Sequence[Seen], start: MotionConfig) -> MotionConfig:
    """Return the same models with the shares of time in which they foresaw best (expectation and maximisation)."""
    config = start
    for _ in range(FIT_ROUNDS):
        shares = np.maximum(foresee(seen, config).shares, LEAST_SHARE)
        config = replace(config, stationary=rounded_shares(shares / shares.sum()))
    return config


def rounded_shares(shares: F64) -> tuple[float, ...]:
    """Return shares with three decimals that sum to 1; the largest takes what rounding leaves."""
    thousandths = np.rint(1000.0 * shares).astype(np.int64)
    thousandths[int(np.argmax(thousandths))] += 1000 - int(thousandths.sum())
    return tuple((thousandths / 1000.0).tolist())


def _gain(better: Foresight, base: Foresight) -> tuple[float, float]:
    """Return by how much the log density is higher, and its sigma from the spread of the pieces."""
    gains = better.log_density - base.log_density
    return float(gains.sum()), math.sqrt(len(gains) * float(np.var(gains, ddof=1)))


def _better(candidate: Foresight, base: Foresight, least: float) -> bool:
    gain, sigma = _gain(candidate, base)
    return gain > least and gain > MOTION_SURELY * sigma


def confirmed(witness: Witness, sensor_id: str, choice: SensorChoice, motion: MotionConfig) -> SensorChoice:
    """Return the choice, without scales below 1 where the tracks are foreseen no better with them than as stated.

    ``witness``: of a run with these scales. Errors that last over many looks leave small differences too; they would
    make the filter believe too much. A scale above 1 makes it believe less, which needs no second witness.
    """
    scales = {c: k.value for c, k in choice.sigma_scale.items() if k.clear and k.value < 1.0}
    seen = [s for s in witness.seen if not s.lone]
    if not scales or not seen:
        return choice
    stated = np.ones(N_COMPONENTS)
    for c, k in scales.items():
        stated[c] = 1.0 / k**2
    slot = witness.book.sensors[sensor_id].slot
    new, old = foresee(seen, motion), foresee(seen, motion, {slot: stated})
    if len(new.log_density) < FEWEST_PIECES:
        return choice
    gain, sigma = _gain(new, old)
    said = f"log predictive density {gain:.4g} +- {sigma:.2g} higher than with the stated sigmas"
    found = dict(choice.sigma_scale)
    for c in scales:
        had = found[c]
        if gain > MOTION_SURELY * sigma:
            found[c] = had._replace(evidence=f"{had.evidence}; {said}")
        else:
            found[c] = Choice(1.0, 1.0, False, f"kept: only {said}; {had.evidence}")
    return choice._replace(sigma_scale=found)
