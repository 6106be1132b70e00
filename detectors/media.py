"""Video files as a stream of grey frames, with clear errors for what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]

MAX_FPS_HZ = 1000.0
"""Faster than any thermal camera in the field: a larger number in a header means a damaged file."""
NS_PER_S = 1_000_000_000


class MediaError(ValueError):
    """A media file cannot be used; the text says which file, what is wrong and what to do."""


class ClipInfo(NamedTuple):
    """What the header of a clip says; ``frame_count`` is 0 where the header does not say."""

    width_px: int
    height_px: int
    frame_rate_hz: float
    frame_count: int


class Frame(NamedTuple):
    """One grey image of shape (height, width) with its number (from 0) and time of validity."""

    number: int
    t_ns: int
    grey: U8


class VideoClip:
    """A video file, read once from its start; use it in a ``with`` statement.

    ``frames_read`` counts what could be decoded. A file that was cut off gives the frames that are
    still there, and ``frames_missing`` says how many the header promised beyond them.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise MediaError(f"{self.path}: no such file; give the path of a video clip")
        if not self.path.is_file():
            raise MediaError(f"{self.path}: not a file; give one video clip, not a folder")
        if self.path.stat().st_size == 0:
            raise MediaError(f"{self.path}: size = 0 bytes: must be a video clip; copy or record it again")
        self._capture = _open_quietly(self.path)
        self.info = self._read_info()
        self.frames_read = 0

    def __enter__(self) -> VideoClip:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the decoder."""
        self._capture.release()

    @property
    def frames_missing(self) -> int:
        """Frames that the header promised and the file did not hold; meaningful after the last frame."""
        return max(0, self.info.frame_count - self.frames_read)

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in order; frame ``i`` is valid at ``i / frame_rate``.

        Raises MediaError where not one frame can be decoded.
        """
        period_ns = NS_PER_S / self.info.frame_rate_hz
        while True:
            read, image = self._capture.read()
            if not read or image is None:
                break
            yield Frame(self.frames_read, round(self.frames_read * period_ns), to_grey(image))
            self.frames_read += 1
        if self.frames_read == 0:
            raise MediaError(
                f"{self.path}: frames = 0: must hold at least one frame that can be decoded; record it again"
            )

    def _read_info(self) -> ClipInfo:
        capture = self._capture
        if not capture.isOpened():
            raise MediaError(
                f"{self.path}: not a video that can be decoded (damaged, cut off, or another kind of file)"
            )
        width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        if not 0.0 < rate <= MAX_FPS_HZ:
            raise MediaError(
                f"{self.path}: frame rate = {rate:g} Hz: must be > 0 and <= {MAX_FPS_HZ:g}; damaged header"
            )
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        return ClipInfo(width, height, rate, int(count) if np.isfinite(count) and count > 0 else 0)


def to_grey(image: NDArray[Any]) -> U8:
    """Return an 8-bit grey image (height, width) of a grey or blue-green-red one."""
    if image.ndim == 2:
        return np.asarray(image, dtype=np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def _open_quietly(path: Path) -> Any:
    """Open a clip without OpenCV's own warnings: MediaError says it once, in words."""
    logging = getattr(getattr(cv2, "utils", None), "logging", None)
    if logging is None:
        return cv2.VideoCapture(str(path))
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(str(path))
    finally:
        logging.setLogLevel(level)
