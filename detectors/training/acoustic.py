"""``vedette train acoustic``: from a folder of recordings to an ONNX model with its card, judged on five folds."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from detectors.acoustic.baseline import comb_heights_db
from detectors.acoustic.features import statistics
from detectors.acoustic.folder import Clip, digest, read_clips
from detectors.acoustic.sound import SAMPLE_RATE_HZ
from detectors.media import MediaError
from detectors.scores import Calibration
from detectors.training.acoustic_card import card
from detectors.training.acoustic_data import FOLDS, I64, TrainingData, prepare
from detectors.training.acoustic_export import ensemble_bytes
from detectors.training.acoustic_folds import HeldOut, Verdict, classical, judge, metrics, with_memory
from detectors.training.acoustic_network import Settings, Weights, logits, train_member
from detectors.training.files import write_whole
from messages.frames import F64

Progress = Callable[[int, int, str], None]
"""Called with the steps done, the steps in all, and what is being trained."""
ALL = FOLDS  # the "fold" that holds nothing out: the model that is shipped


@dataclass(frozen=True)
class Plan:
    """What is trained, from what, to where."""

    data: Path
    out: Path
    seed: int = 0
    members: int = 5
    """Networks whose logits are averaged: one alone varies by 0.02 of F1 from seed to seed."""
    resume: bool = False
    settings: Settings = field(default_factory=Settings)


def train(plan: Plan, progress: Progress | None = None) -> dict[str, Any]:
    """Train, judge and write ``model.onnx`` and ``card.yaml`` to ``plan.out``; return the card.

    Raises MediaError where the recordings or an interrupted training cannot be used.
    """
    clips, refused = read_clips(plan.data)
    try:
        data = prepare(clips)
    except ValueError as error:
        raise MediaError(f"{plan.data}: {error}") from None
    checkpoints = Checkpoints(plan, clips)
    members = _members(plan, data, checkpoints, progress)
    held_out = _held_out(clips, data, members)
    single, memory = judge(held_out.logit, held_out), judge(with_memory(held_out.logit, held_out), held_out)
    model = ensemble_bytes(members[ALL], single.calibration)
    written = card(
        model=model,
        plan={"seed": plan.seed, "members": plan.members, "settings": json.loads(json.dumps(asdict(plan.settings)))},
        data=data,
        data_sha256=digest(clips),
        refused=refused,
        calibration={"single": single.calibration, "with_memory": _after(single.calibration, memory.calibration)},
        table=_table(held_out, data, single, memory),
    )
    write_whole(plan.out / "model.onnx", model)
    write_whole(plan.out / "card.yaml", yaml.safe_dump(written, sort_keys=False, width=100).encode())
    return written


def _members(
    plan: Plan, data: TrainingData, checkpoints: Checkpoints, progress: Progress | None
) -> dict[int, list[Weights]]:
    """Return the networks of every fold and of all clips; those that a checkpoint holds are not trained again."""
    total = (FOLDS + 1) * plan.members * plan.settings.steps
    done = 0
    members: dict[int, list[Weights]] = {}
    for fold in range(FOLDS + 1):
        chosen = np.arange(len(data.names)) if fold == ALL else data.training_clips(fold)
        what = "the model" if fold == ALL else f"fold {fold + 1} of {FOLDS}"
        members[fold] = []
        for member in range(plan.members):
            weights = checkpoints.read(fold, member)
            if weights is None:
                weights = _trained(plan, data, chosen, (fold, member), progress, (done, total, what))
                checkpoints.write(fold, member, weights)
            members[fold].append(weights)
            done += plan.settings.steps
    return members


def _trained(
    plan: Plan,
    data: TrainingData,
    chosen: I64,
    which: tuple[int, int],
    progress: Progress | None,
    so_far: tuple[int, int, str],
) -> Weights:
    done, total, what = so_far
    what = f"{what}, network {which[1] + 1} of {plan.members}"

    def step(k: int) -> None:
        if progress is not None:
            progress(done + k, total, what)

    return train_member(data, chosen, plan.settings, (plan.seed, *which), step)


def _held_out(clips: list[Clip], data: TrainingData, members: dict[int, list[Weights]]) -> HeldOut:
    """Return what the networks of each fold, and the comb, say of the clips held out."""
    said: list[F64] = []
    combs: list[F64] = []
    for i, clip in enumerate(clips):
        x = statistics(data.windows[i])
        said.append(np.mean([logits(weights, x) for weights in members[int(data.fold[i])]], axis=0))
        combs.append(comb_heights_db(clip.mono[: len(x) * SAMPLE_RATE_HZ].reshape(len(x), -1)))
    which = np.repeat(np.arange(len(clips)), [len(s) for s in said])
    return HeldOut(which, data.fold[which], data.drone[which], np.concatenate(said), np.concatenate(combs))


def _table(held_out: HeldOut, data: TrainingData, single: Verdict, memory: Verdict) -> dict[str, Any]:
    comb = classical(held_out, held_out.comb_db)
    comb_memory = classical(held_out, with_memory(held_out.comb_db, held_out))
    return {
        "comb_alone": metrics(comb, held_out, data),
        "comb_with_memory": metrics(comb_memory, held_out, data),
        "classifier_alone": metrics(single.probability >= 0.5, held_out, data, single.probability),
        "classifier_with_memory": metrics(memory.probability >= 0.5, held_out, data, memory.probability),
    }


def _after(single: Calibration, memory: Calibration) -> Calibration:
    """Return the memory's calibration for logits that have already gone through the calibration of single windows."""
    scale = memory.scale / single.scale
    return Calibration(scale, memory.offset - scale * single.offset)


class Checkpoints:
    """Trained networks on disk, so that an interrupted training goes on where it was; of one plan and one data set."""

    def __init__(self, plan: Plan, clips: list[Clip]) -> None:
        self.folder = plan.out / "checkpoints"
        text = json.dumps([plan.seed, asdict(plan.settings), digest(clips)], sort_keys=True)
        self.stamp = hashlib.sha256(text.encode()).hexdigest()
        self.folder.mkdir(parents=True, exist_ok=True)
        stamp = self.folder / "stamp.txt"
        if plan.resume and stamp.is_file() and stamp.read_text(encoding="utf-8").strip() != self.stamp:
            raise MediaError(
                f"{self.folder}: made with other clips, seed or settings: leave out --resume, or name another --out"
            )
        if not plan.resume:
            for old in sorted(self.folder.glob("*.npz")):
                old.unlink()
        write_whole(stamp, (self.stamp + "\n").encode())

    def _path(self, fold: int, member: int) -> Path:
        return self.folder / f"fold{fold}-network{member}.npz"

    def read(self, fold: int, member: int) -> Weights | None:
        """Return the weights of a network, or None where it is still to be trained."""
        path = self._path(fold, member)
        if not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}

    def write(self, fold: int, member: int, weights: Weights) -> None:
        """Keep the weights of a network."""
        data = io.BytesIO()
        np.savez(data, **weights)  # type: ignore[arg-type]
        write_whole(self._path(fold, member), data.getvalue())
