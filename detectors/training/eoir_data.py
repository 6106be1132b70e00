"""Clips decoded once into aligned stacks on disk, and which clips hold the same recording."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.eoir.cells import CLASSES, overlap
from detectors.eoir.folder import Kind, LabelledClip, read_labelled
from detectors.eoir.stack import BACK, HEIGHT_PX, PLANES, WIDTH_PX, Stack
from detectors.media import U8, VideoClip
from messages.frames import F64

I64 = NDArray[np.int64]
BOOL = NDArray[np.bool_]
Progress = Callable[[int, int, str], None]

FORMAT = 1
EVERY = 10
"""Frames from one sample of a clip to the next: neighbours are nearly the same picture. 30 samples a clip, 7 MB."""
THUMB = (40, 32)
BLUR_CELLS = 1.5  # what is broader is taken away: all evening skies are alike
SAME_PLACE = 0.9
"""Correlation of the fine structure of two frames from which they count as of one place (the cameras stood on few)."""
SAME_TARGET_IOU = 0.5
SAME_MOMENTS = 3
"""Pairs of samples that agree in place and target from which two clips count as cut from one recording, or copies."""


@dataclass(frozen=True)
class Samples:
    """All samples of one kind of clip: ``stacks`` (n, HEIGHT_PX, WIDTH_PX, PLANES), ``boxes_px`` (n, 4) in pixels of
    the stack, NaN where no target is in view, ``label`` (n,) index into CLASSES, ``clip`` (n,) index into ``names``."""

    names: tuple[str, ...]
    held_out_clips: BOOL
    stacks: U8
    boxes_px: F64
    label: I64
    clip: I64
    frame: I64
    sha256: str

    def rows(self, *, held_out: bool) -> I64:
        """Return the samples of the clips that are held out, or of the others."""
        return np.flatnonzero(self.held_out_clips[self.clip] == held_out)


def prepare(data: Path, kind: Kind, cache: Path, progress: Progress | None = None) -> Samples:
    """Return the samples of a folder; decoded ones are taken from ``cache`` where it holds the same clips and labels.

    Raises MediaError where clips or labels cannot be read.
    """
    clips = read_labelled(data, kind)
    stamp = _stamp(clips)
    place = cache / f"{kind}-{stamp[:16]}"
    if not (place / "samples.npz").is_file():
        _decode(clips, place, progress)
    with np.load(place / "samples.npz", allow_pickle=False) as table:
        stored = {name: table[name] for name in table.files}
    stacks = np.load(place / "stacks.npy", mmap_mode="r")
    held_out = np.array([clip.held_out for clip in clips], dtype=np.bool_)
    label = np.array([CLASSES.index(clip.label) for clip in clips])[stored["clip"]]
    names = tuple(clip.name for clip in clips)
    return Samples(names, held_out, stacks, stored["boxes_px"], label, stored["clip"], stored["frame"], stamp)


def _stamp(clips: list[LabelledClip]) -> str:
    """Return a hash of the clips' bytes, of their labels, and of how the cache is made."""
    whole = hashlib.sha256(json.dumps([FORMAT, EVERY, BACK, WIDTH_PX, HEIGHT_PX]).encode())
    for clip in clips:
        whole.update(f"{clip.name} {clip.label}".encode())
        whole.update(hashlib.sha256(clip.path.read_bytes()).digest())
        for frame, box in sorted(clip.boxes.items()):
            whole.update(f"{frame} {box.tolist()}".encode())
    return whole.hexdigest()


def _decode(clips: list[LabelledClip], place: Path, progress: Progress | None) -> None:
    """Write ``stacks.npy`` and then ``samples.npz``, which says that the stacks are whole."""
    place.mkdir(parents=True, exist_ok=True)
    boxes, which, frames = [], [], []
    part = place / f"stacks.{os.getpid()}.part"
    try:
        with part.open("wb") as file:
            for k, clip in enumerate(clips):
                for frame, box, stack in _samples(clip):
                    file.write(stack.tobytes())
                    boxes.append(box)
                    which.append(k)
                    frames.append(frame)
                if progress is not None:
                    progress(k + 1, len(clips), f"decoding {clip.name}")
        raw = np.memmap(part, dtype=np.uint8, mode="r", shape=(len(boxes), HEIGHT_PX, WIDTH_PX, PLANES))
        np.save(place / "stacks.npy", raw)
    finally:
        part.unlink(missing_ok=True)
    np.savez(place / "samples.npz", boxes_px=np.array(boxes), clip=np.array(which), frame=np.array(frames))


def _samples(clip: LabelledClip) -> list[tuple[int, F64, U8]]:
    stack, found = Stack(), []
    with VideoClip(clip.path) as video:
        scale = np.array([WIDTH_PX / video.info.width_px, HEIGHT_PX / video.info.height_px] * 2)
        for frame in video.frames():
            stack.push(frame.grey)
            if frame.number % EVERY == 0:
                box = clip.boxes.get(frame.number)
                scaled = np.full(4, np.nan) if box is None else box * scale
                found.append((frame.number, scaled, stack.aligned()))
    return found


def twins(samples: Samples) -> list[tuple[str, str]]:
    """Return the pairs of a held-out clip and another that show one target at one place at several moments."""
    flat = np.stack([_fine_structure(stack[..., 0]) for stack in samples.stacks])
    pairs = []
    for k in np.flatnonzero(samples.held_out_clips):
        mine = np.flatnonzero((samples.clip == k) & np.isfinite(samples.boxes_px[:, 0]))
        row, other = np.nonzero(flat[mine] @ flat.T > SAME_PLACE)
        a, b = samples.boxes_px[mine[row]], samples.boxes_px[other]
        share = [float(overlap(x[None], y[None])[0, 0]) for x, y in zip(a, b, strict=True)]
        alike = np.array(share) > SAME_TARGET_IOU
        count = np.bincount(samples.clip[other[alike]], minlength=len(samples.names))
        pairs += [(samples.names[k], samples.names[j]) for j in np.flatnonzero(count >= SAME_MOMENTS)]
    others = {name for name, out in zip(samples.names, samples.held_out_clips, strict=True) if not out}
    return [pair for pair in pairs if pair[1] in others]


def _fine_structure(grey: U8) -> NDArray[np.float32]:
    """Return a small picture without its broad shades, as a vector of length 1 (noise alone: of random direction)."""
    small = cv2.resize(grey, THUMB, interpolation=cv2.INTER_AREA).astype(np.float32)
    fine = (small - cv2.GaussianBlur(small, (0, 0), BLUR_CELLS)).ravel()
    return np.asarray(fine / max(float(np.linalg.norm(fine)), 1e-6), dtype=np.float32)
