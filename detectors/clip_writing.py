"""Grey frames into an MP4 file without loss (FFV1, which OpenCV encodes and decodes by itself).

Codecs that lose something take targets of one or two pixels for noise: MPEG-4 part 2 left 4 of 15 grey levels.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import cv2

from detectors.media import U8, MediaError


class ClipWriter:
    """Writes one clip, frame by frame; use it in a ``with`` statement."""

    def __init__(self, path: Path, width_px: int, height_px: int, frame_rate_hz: float) -> None:
        """Open the file; raises MediaError where it cannot be written."""
        self.path, self.shape, self.frames = path, (height_px, width_px), 0
        self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), frame_rate_hz, (width_px, height_px))
        if not self._writer.isOpened():
            raise MediaError(f"{path}: cannot be written as MP4: check the folder and OpenCV's codecs")

    def __enter__(self) -> ClipWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.release()

    def write(self, grey: U8) -> None:
        """Append one frame (height, width). Raises MediaError for one of another size."""
        if grey.shape != self.shape:
            raise MediaError(f"{self.path}: frame {self.frames} is {grey.shape}: must be {self.shape} (rows, columns)")
        self._writer.write(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
        self.frames += 1
