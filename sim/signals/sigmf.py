"""SigMF 1.0 recordings: complex samples as ``cf32_le`` beside a JSON that says what they are.

The channels of one array are interleaved sample by sample (``core:num_channels``). Snapshots of
different times and tunings follow each other as captures.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

C64 = NDArray[np.complex64]
VERSION = "1.0.0"


class SigmfWriter:
    """Writes one recording, block by block; use it in a ``with`` statement. The metadata come at its end."""

    def __init__(self, stem: Path, channels: int, rate_hz: float, **more: Any) -> None:
        """Open ``stem.sigmf-data``; ``more`` are further keys of ``global`` without their prefix ``vedette:``."""
        self._stem, self.samples = stem, 0
        self._hash = hashlib.sha512()
        self._file = _named(stem, "data").open("wb")
        self._header = {
            "core:datatype": "cf32_le",
            "core:version": VERSION,
            "core:sample_rate": rate_hz,
            "core:num_channels": channels,
            "core:extensions": [{"name": "vedette", "version": "1.0.0", "optional": True}],
            **{f"vedette:{key}": value for key, value in more.items()},
        }
        self._captures: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def __enter__(self) -> SigmfWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is None:
            header = self._header | {"core:sha512": self._hash.hexdigest()}
            meta = {"global": header, "captures": self._captures, "annotations": self._annotations}
            _named(self._stem, "meta").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")

    def write(self, samples: C64, frequency_hz: float, more: dict[str, Any]) -> None:
        """Append one capture (channels, n) around a frequency; ``more`` are further keys of it."""
        data = np.ascontiguousarray(samples.T.astype("<c8")).tobytes()
        self._captures.append({"core:sample_start": self.samples, "core:frequency": frequency_hz, **more})
        self._file.write(data)
        self._hash.update(data)
        self.samples += samples.shape[1]

    def annotate(self, first: int, count: int, low_hz: float, high_hz: float, label: str, more: dict[str, Any]) -> None:
        """Say what is in some samples of the recording, and between which frequencies."""
        edges = {"core:freq_lower_edge": low_hz, "core:freq_upper_edge": high_hz, "core:label": label}
        self._annotations.append({"core:sample_start": first, "core:sample_count": count, **edges, **more})


def read_sigmf(stem: Path) -> tuple[C64, dict[str, Any]]:
    """Return samples (channels, n) and the metadata of a recording that ``SigmfWriter`` wrote.

    Raises ValueError where the samples are not those of the metadata.
    """
    meta = json.loads(_named(stem, "meta").read_text(encoding="utf-8"))
    data = _named(stem, "data").read_bytes()
    header = meta["global"]
    if hashlib.sha512(data).hexdigest() != header["core:sha512"]:
        raise ValueError(f"{_named(stem, 'data')}: is not what core:sha512 says: must be the file that was written")
    return np.frombuffer(data, "<c8").reshape(-1, header["core:num_channels"]).T, meta


def _named(stem: Path, part: str) -> Path:
    return stem.with_name(f"{stem.name}.sigmf-{part}")
