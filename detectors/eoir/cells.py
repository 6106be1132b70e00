"""The network's output, cell by cell, and the boxes that it stands for."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from detectors.eoir.stack import F32, HEIGHT_PX, WIDTH_PX
from messages.frames import F64

CLASSES = ("drone", "bird", "airplane", "helicopter")
CELL_PX = 4
ROWS, COLUMNS = HEIGHT_PX // CELL_PX, WIDTH_PX // CELL_PX
BOX = slice(0, 4)  # centre right and down of the cell's centre [cells], log of width and height over SIZE_PX
TARGET = 4  # logit: a target's centre is here
CLASS = slice(5, 5 + len(CLASSES))  # logits of which
CHANNELS = 5 + len(CLASSES)
SIZE_PX = 16.0
MAX_BOXES = 8  # a frame: a swarm fits
SAME_TARGET_IOU = 0.3
MAX_LOG_SIZE = 3.0  # e^3 * 16 px: as wide as the picture


class Boxes(NamedTuple):
    """What is claimed in one frame, strongest first, in pixels of the network's input.

    ``boxes_px`` (n, 4): left, top, width, height; ``score`` (n,): that a target is there; ``logits`` (n, classes).
    """

    boxes_px: F64
    score: F64
    logits: F64


def decode(cells: F32, threshold: float) -> Boxes:
    """Return the boxes of the cells (CHANNELS, rows, columns) that are a local maximum of at least ``threshold``."""
    heat = 1.0 / (1.0 + np.exp(-np.clip(cells[TARGET], -30.0, 30.0)))
    peak = (heat >= threshold) & (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8)))
    row, column = np.nonzero(peak)
    order = np.argsort(-heat[row, column], kind="stable")[: 2 * MAX_BOXES]
    row, column = row[order], column[order]
    dx, dy, log_width, log_height = cells[BOX, row, column].astype(np.float64)
    width = SIZE_PX * np.exp(np.clip(log_width, -MAX_LOG_SIZE, MAX_LOG_SIZE))
    height = SIZE_PX * np.exp(np.clip(log_height, -MAX_LOG_SIZE, MAX_LOG_SIZE))
    x, y = (column + 0.5 + dx) * CELL_PX, (row + 0.5 + dy) * CELL_PX
    boxes = np.stack([x - 0.5 * width, y - 0.5 * height, width, height], axis=1)
    kept = _separate(boxes)
    return Boxes(
        boxes[kept], heat[row, column].astype(np.float64)[kept], cells[CLASS, row, column].T.astype(np.float64)[kept]
    )


def _separate(boxes: F64) -> list[int]:
    """Return the rows of boxes, strongest first, that do not lie on a stronger one."""
    kept: list[int] = []
    for k in range(len(boxes)):
        if len(kept) < MAX_BOXES and not (kept and (overlap(boxes[[k]], boxes[kept]) > SAME_TARGET_IOU).any()):
            kept.append(k)
    return kept


def overlap(a: F64, b: F64) -> F64:
    """Return the intersection over union (n, m) of boxes (n, 4) and (m, 4): left, top, width, height."""
    top_left = np.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    common = np.prod(np.clip(bottom_right - top_left, 0.0, None), axis=2)
    union = np.prod(a[:, 2:], axis=1)[:, None] + np.prod(b[:, 2:], axis=1)[None] - common
    return np.asarray(common / np.maximum(union, 1e-9), dtype=np.float64)
