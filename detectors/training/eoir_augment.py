"""Made samples: a piece of a stack, turned, stretched, dimmed, inverted and made noisy, with the target's new box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from detectors.eoir.stack import F32, HEIGHT_PX, WIDTH_PX, planes
from detectors.media import U8
from detectors.training.eoir_data import I64, Samples
from messages.frames import F64


@dataclass(frozen=True)
class Augmentation:
    """How samples are varied; shares are probabilities."""

    width_px: int = 160
    height_px: int = 128
    """Of the piece: a quarter of the frame, so that four times as many are seen in the same time."""
    on_target_share: float = 0.85
    """Pieces that are laid so that they hold the target; the others lie anywhere."""
    log2_scale: tuple[float, float] = (-0.8, 0.5)
    """Targets from 57 to 141 % of their size: smaller ones are rarer in the recordings than in the field."""
    log2_aspect: float = 0.15
    gain: tuple[float, float] = (0.6, 1.5)
    invert_share: float = 0.15
    """Cold targets under a warm sky, and cameras that show hot as black."""
    noise_grey: float = 4.0
    still_share: float = 0.1
    """Samples whose earlier frames are replaced by this one: the start of a stream, a frozen background."""


class Batch(NamedTuple):
    """``planes`` (n, PLANES, height, width), ``boxes_px`` (n, 4) with NaN where no target is in it, ``label`` (n,)."""

    planes: F32
    boxes_px: F64
    label: I64


def made_batch(samples: Samples, rows: I64, augmentation: Augmentation, rng: np.random.Generator) -> Batch:
    """Return one made sample of each row."""
    made = [_made(samples.stacks[row], samples.boxes_px[row], augmentation, rng) for row in rows]
    return Batch(np.stack([p for p, _ in made]), np.stack([box for _, box in made]), samples.label[rows])


def _made(stack: U8, box: F64, augmentation: Augmentation, rng: np.random.Generator) -> tuple[F32, F64]:
    matrix = _placing(box, augmentation, rng)
    size = (augmentation.width_px, augmentation.height_px)
    mode = cv2.BORDER_REFLECT_101
    piece = cv2.warpAffine(np.asarray(stack), matrix, size, flags=cv2.INTER_LINEAR, borderMode=mode).astype(np.float32)
    mean = float(np.mean(stack[::4, ::4, 0]))
    gain = float(np.exp(rng.uniform(*np.log(augmentation.gain)))) * (
        -1 if rng.random() < augmentation.invert_share else 1
    )
    piece, mean = gain * piece, gain * mean
    if rng.random() < augmentation.still_share:
        piece[..., 1:] = piece[..., :1]
    sigma = augmentation.noise_grey * float(rng.random()) ** 2
    piece += rng.standard_normal(piece.shape, dtype=np.float32) * sigma
    return planes(piece, mean), _placed(box, matrix, size)


def _placing(box: F64, augmentation: Augmentation, rng: np.random.Generator) -> F64:
    """Return the matrix (2, 3) from pixels of the stack to pixels of the piece."""
    aspect = 2.0 ** rng.uniform(-augmentation.log2_aspect, augmentation.log2_aspect)
    scale = 2.0 ** rng.uniform(*augmentation.log2_scale)
    sx, sy = scale * aspect * (-1.0 if rng.random() < 0.5 else 1.0), scale / aspect
    half = 0.5 * np.array([augmentation.width_px, augmentation.height_px])
    centre = rng.uniform([0.0, 0.0], [WIDTH_PX, HEIGHT_PX])
    if np.isfinite(box[0]) and rng.random() < augmentation.on_target_share:
        away = rng.uniform(-0.9, 0.9, 2) * half / np.abs([sx, sy])
        centre = box[:2] + 0.5 * box[2:] + away
    # Stay inside the frame where it is larger than the piece: mirrored borders teach nothing.
    reach = np.minimum(half / np.abs([sx, sy]), [0.5 * WIDTH_PX, 0.5 * HEIGHT_PX])
    centre = np.clip(centre, reach, [WIDTH_PX, HEIGHT_PX] - reach)
    return np.array([[sx, 0.0, half[0] - sx * centre[0]], [0.0, sy, half[1] - sy * centre[1]]])


def _placed(box: F64, matrix: F64, size: tuple[int, int]) -> F64:
    """Return the box in the piece, cut at its edges; NaN where its centre lies outside."""
    middle = matrix[:, :2] @ (box[:2] + 0.5 * box[2:]) + matrix[:, 2]
    if not (np.isfinite(middle).all() and (middle >= 0).all() and (middle < size).all()):
        return np.full(4, np.nan)
    half = 0.5 * np.abs(matrix[[0, 1], [0, 1]]) * box[2:]
    low, high = np.maximum(middle - half, 0.0), np.minimum(middle + half, np.array(size, dtype=np.float64))
    return np.concatenate([low, np.maximum(high - low, 1.0)])


def whole(samples: Samples, row: int) -> F32:
    """Return the network's planes (PLANES, HEIGHT_PX, WIDTH_PX) of a sample as it is."""
    stack = np.asarray(samples.stacks[row])
    return planes(stack, float(stack[..., 0].mean()))
