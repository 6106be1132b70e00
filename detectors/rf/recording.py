"""SigMF recordings of one antenna or of an array: read, checked, and cut into snapshots of half a millisecond."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.media import NS_PER_S, MediaError
from messages.frames import F64

C64 = NDArray[np.complex64]

SNAPSHOT_S = 0.0005
LEAST_SAMPLES = 2048  # a quarter of a snapshot at 16 MHz; less holds too few frames to know the noise
MAX_CHANNELS = 64
MAX_FILE_BYTES = 2**32
MAX_META_BYTES = 2**26
RATES_HZ = (5e6, 400e6)
DATATYPES: dict[str, tuple[str, float]] = {"cf32_le": ("<f4", 0.0), "ci16_le": ("<i2", 32767.0), "ci8": ("<i1", 127.0)}
"""Component type, and its full scale (0: it has none)."""
CLIPPED_SHARE = 0.001
META, DATA = ".sigmf-meta", ".sigmf-data"

Condition = Literal["good", "silent", "clipped"]


class Snapshot(NamedTuple):
    """``samples`` (antennas, n) around ``frequency_hz``, valid at ``t_ns`` (its middle); ``first`` in the recording."""

    number: int
    t_ns: int
    first: int
    frequency_hz: float
    samples: C64
    condition: Condition


@dataclass(frozen=True)
class Capture:
    """Samples ``first`` to ``end`` of a recording: when they begin, and the frequency tuned to."""

    first: int
    end: int
    t_s: float
    frequency_hz: float


@dataclass(frozen=True)
class Recording:
    """A SigMF recording; ``antennas_m`` (m, 3) forward-left-up where the recording says it (``vedette:antennas_m``)."""

    path: Path
    meta: dict[str, Any]
    rate_hz: float
    channels: int
    antennas_m: F64 | None
    captures: tuple[Capture, ...]
    data: NDArray[Any]

    @property
    def snapshot_samples(self) -> int:
        """Return the length of a snapshot."""
        return round(SNAPSHOT_S * self.rate_hz)

    def snapshots(self) -> Iterator[Snapshot]:
        """Yield the snapshots in order; the rest of a capture that holds too few samples is left over.

        Raises MediaError for samples that are not finite.
        """
        number = 0
        for capture in self.captures:
            for first in range(capture.first, capture.end, self.snapshot_samples):
                end = min(first + self.snapshot_samples, capture.end)
                if end - first < LEAST_SAMPLES:
                    continue
                samples, condition = self._samples(first, end)
                middle_s = capture.t_s + (0.5 * (first + end) - capture.first) / self.rate_hz
                yield Snapshot(number, round(middle_s * NS_PER_S), first, capture.frequency_hz, samples, condition)
                number += 1

    def _samples(self, first: int, end: int) -> tuple[C64, Condition]:
        raw = np.asarray(self.data[first:end])  # (n, channels, 2)
        full = DATATYPES[self.meta["global"]["core:datatype"]][1]
        parts = np.asarray(raw, dtype=np.float32)
        if not np.isfinite(parts).all():
            raise MediaError(f"{self.path}: samples that are not finite in {first}..{end}: must be numbers")
        samples = np.ascontiguousarray((parts[..., 0] + 1j * parts[..., 1]).T, dtype=np.complex64)
        if not samples.any(axis=1).all():
            return samples, "silent"
        clipped = full > 0.0 and float(np.mean(np.abs(parts) >= full)) >= CLIPPED_SHARE
        return samples, "clipped" if clipped else "good"


def meta_files(source: Path) -> list[Path]:
    """Return the metadata files of a folder (its ``rf``, or itself), or the one that is named.

    Raises MediaError where a folder has none.
    """
    if not source.is_dir():
        return [source.with_suffix(META) if source.suffix == DATA else source]
    for folder in (source / "rf", source):
        found = sorted(folder.glob(f"*{META}")) if folder.is_dir() else []
        if found:
            return found
    raise MediaError(f"{source}: no {META} file in it or in its folder rf: give the folder of the recordings")


def read_recording(path: Path) -> Recording:
    """Read a SigMF recording: ``cf32_le``, ``ci16_le`` or ``ci8``, the channels of an array interleaved.

    Raises MediaError where it is missing, damaged, changed (``core:sha512``), or of a kind that cannot be used.
    """
    meta = _meta(path)
    try:
        head = meta["global"]
        rate_hz, channels, datatype = (
            float(head["core:sample_rate"]),
            head.get("core:num_channels", 1),
            head["core:datatype"],
        )
        places = head.get("vedette:antennas_m")
        antennas_m = None if places is None else np.array(places, dtype=np.float64)
        _check(path, rate_hz, channels, datatype, antennas_m)
        data = _data(path, meta, channels)
        captures = _captures(meta["captures"], len(data), rate_hz)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, MediaError):
            raise
        raise MediaError(f"{path}: not SigMF metadata that can be used ({error!r})") from None
    return Recording(path, meta, rate_hz, channels, antennas_m, captures, data)


def _meta(path: Path) -> dict[str, Any]:
    if path.suffix != META or not path.is_file():
        raise MediaError(f"{path}: no such {META} file; give a SigMF recording or a folder of them")
    if path.stat().st_size > MAX_META_BYTES:
        raise MediaError(f"{path}: size = {path.stat().st_size} bytes: must be <= {MAX_META_BYTES}")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise MediaError(f"{path}: not JSON ({error}); copy or record it again") from None
    if not isinstance(content, dict):
        raise MediaError(f"{path}: not SigMF metadata: must be an object with global, captures and annotations")
    return content


def _check(path: Path, rate_hz: float, channels: Any, datatype: Any, antennas_m: F64 | None) -> None:
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise MediaError(
            f"{path}: core:sample_rate = {rate_hz:g} Hz: must be within {RATES_HZ[0]:g}..{RATES_HZ[1]:g};"
            " narrower recordings do not hold a video link"
        )
    if type(channels) is not int or not 1 <= channels <= MAX_CHANNELS:
        raise MediaError(f"{path}: core:num_channels = {channels}: must be within 1..{MAX_CHANNELS}")
    if datatype not in DATATYPES:
        raise MediaError(f"{path}: core:datatype = {datatype}: must be one of {', '.join(DATATYPES)}")
    if antennas_m is not None and (antennas_m.shape != (channels, 3) or not np.isfinite(antennas_m).all()):
        raise MediaError(
            f"{path}: vedette:antennas_m {antennas_m.shape}: must be ({channels}, 3) metres, one a channel"
        )


def _data(path: Path, meta: dict[str, Any], channels: int) -> NDArray[Any]:
    """Return the components (n, channels, 2) on disk."""
    file = path.with_suffix(DATA)
    if not file.is_file():
        raise MediaError(f"{file}: no such file; it belongs to {path.name}")
    size, kind = file.stat().st_size, np.dtype(DATATYPES[meta["global"]["core:datatype"]][0])
    frame = 2 * channels * kind.itemsize
    if not 0 < size <= MAX_FILE_BYTES or size % frame:
        raise MediaError(
            f"{file}: size = {size} bytes: must be a multiple of {frame}, > 0 and <= {MAX_FILE_BYTES}; cut off?"
        )
    expected = meta["global"].get("core:sha512")
    if expected is not None:
        with file.open("rb") as stream:
            found = hashlib.sha512()
            while part := stream.read(2**22):
                found.update(part)
        if found.hexdigest() != expected:
            raise MediaError(f"{file}: is not what core:sha512 of {path.name} says: changed or cut off; copy it again")
    return np.memmap(file, kind, "r").reshape(-1, channels, 2)


def _captures(listed: list[dict[str, Any]], samples: int, rate_hz: float) -> tuple[Capture, ...]:
    starts = [int(c["core:sample_start"]) for c in listed]
    ends = [*starts[1:], samples]
    if not starts or starts[0] < 0 or any(a > b for a, b in zip(starts, ends, strict=True)):
        raise ValueError(f"captures start at {starts[:5]}...: must rise and lie within the {samples} samples")
    out = []
    for c, first, end in zip(listed, starts, ends, strict=True):
        t_s, frequency_hz = float(c.get("vedette:t_s", first / rate_hz)), float(c["core:frequency"])
        if not (np.isfinite(t_s) and np.isfinite(frequency_hz) and frequency_hz > 0.0 and 0.0 <= t_s < 1e9):
            raise ValueError(f"capture at {first}: time {t_s} s, frequency {frequency_hz} Hz")
        out.append(Capture(first, end, t_s, frequency_hz))
    return tuple(out)
