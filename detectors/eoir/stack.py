"""What the network sees of a stream: this frame and what changed since two earlier ones, camera motion taken out.

Training and use share every line here: a stack of aligned grey images first (8 bit, so that it can be kept on disk),
then the network's planes made of it.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.media import U8

F32 = NDArray[np.float32]

WIDTH_PX, HEIGHT_PX = 320, 256
"""Of the network's input; a larger frame is made smaller, for its targets are larger too (visible: 640 x 512)."""
BACK = (3, 10)
"""Frames back at 30 Hz: a tenth of a second shows what is fast, a third what drifts by a pixel or two."""
PLANES = 1 + len(BACK)
THINNING = 2  # of the images whose shift is measured
MIN_RESPONSE = 0.15  # of the phase correlation: under it nothing is common to both, and no shift is believed
MAX_SHIFT_PX = 40.0  # an eighth of the width in a third of a second; more is another scene
GREY_SCALE, CHANGE_SCALE = 48.0, 12.0  # grey levels that become 1: contrast of a scene, of a moving target
CHANGE_LIMIT = 5.0  # a change of 60 grey levels says no more than one of 200

_WINDOW = np.outer(np.hanning(HEIGHT_PX // THINNING), np.hanning(WIDTH_PX // THINNING)).astype(np.float32)


class Stack:
    """The last frames of one stream, aligned with the newest; feed it every frame in order."""

    def __init__(self) -> None:
        self._grey: deque[U8] = deque(maxlen=max(BACK) + 1)
        self._small: deque[F32] = deque(maxlen=max(BACK) + 1)

    def push(self, grey: U8) -> None:
        """Take the next frame (height, width) of any size."""
        if grey.shape != (HEIGHT_PX, WIDTH_PX):
            grey = np.asarray(cv2.resize(grey, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        self._grey.append(grey)
        small = cv2.resize(grey, None, fx=1.0 / THINNING, fy=1.0 / THINNING, interpolation=cv2.INTER_AREA)
        self._small.append(small.astype(np.float32))

    def aligned(self) -> U8:
        """Return the newest frame and the earlier ones moved onto it (HEIGHT_PX, WIDTH_PX, PLANES).

        Where the stream is younger than ``BACK``, its first frame stands in.
        """
        newest = self._grey[-1]
        planes = [newest]
        for back in BACK:
            k = max(0, len(self._grey) - 1 - back)
            planes.append(moved(self._grey[k], shift_px(self._small[k], self._small[-1])))
        return np.stack(planes, axis=-1)


def shift_px(before: F32, now: F32) -> tuple[float, float]:
    """Return how far (right, down) the scene has moved in the image, by phase correlation; nought where unclear."""
    (dx, dy), response = cv2.phaseCorrelate(before, now, _WINDOW)
    dx, dy = THINNING * dx, THINNING * dy
    if response < MIN_RESPONSE or not max(abs(dx), abs(dy)) <= MAX_SHIFT_PX:
        return 0.0, 0.0
    return float(dx), float(dy)


def moved(grey: U8, shift: tuple[float, float]) -> U8:
    """Return an image moved by a shift (right, down) of fractions of a pixel; its edges are repeated outwards."""
    if max(abs(shift[0]), abs(shift[1])) < 0.05:  # less than interpolation would blur
        return grey
    matrix = np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]])
    size = (grey.shape[1], grey.shape[0])
    out = cv2.warpAffine(grey, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, dtype=np.uint8)


def planes(aligned: U8 | F32, mean_grey: float) -> F32:
    """Return the network's input (PLANES, height, width) of an aligned stack (height, width, PLANES).

    The first plane is the frame less the mean grey of the whole frame, the others what changed.
    """
    image = aligned.astype(np.float32)
    out = np.empty((PLANES, *image.shape[:2]), dtype=np.float32)
    out[0] = (image[..., 0] - mean_grey) / GREY_SCALE
    for k in range(1, PLANES):
        out[k] = np.clip((image[..., 0] - image[..., k]) / CHANGE_SCALE, -CHANGE_LIMIT, CHANGE_LIMIT)
    return out
