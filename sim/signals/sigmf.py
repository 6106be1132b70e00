"""SigMF recordings: complex samples as ``cf32_le`` beside a JSON of what they are (SigMF 1.0, collections of channels).

Several channels of one array are interleaved sample by sample (``core:num_channels``).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

C64 = NDArray[np.complex64]
VERSION = "1.0.0"


def write_sigmf(stem: Path, samples: NDArray[Any], rate_hz: float, captures: list[dict[str, Any]], **more: Any) -> None:
    """Write ``stem.sigmf-data`` and ``stem.sigmf-meta`` of samples (channels, n).

    ``captures`` have ``core:sample_start`` and ``core:frequency``; ``more`` may hold ``annotations`` and further
    keys of ``global`` (with their namespace, ``vedette:...``).
    """
    data = np.ascontiguousarray(samples.T.astype("<c8")).tobytes()
    annotations = more.pop("annotations", [])
    header = {
        "core:datatype": "cf32_le",
        "core:version": VERSION,
        "core:sample_rate": rate_hz,
        "core:num_channels": len(samples),
        "core:sha512": hashlib.sha512(data).hexdigest(),
        **more,
    }
    meta = {"global": header, "captures": captures, "annotations": annotations}
    stem.with_name(stem.name + ".sigmf-data").write_bytes(data)
    stem.with_name(stem.name + ".sigmf-meta").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")


def read_sigmf(stem: Path) -> tuple[C64, dict[str, Any]]:
    """Return samples (channels, n) and the metadata of a recording that ``write_sigmf`` wrote.

    Raises ValueError where the samples are not those of the metadata.
    """
    meta = json.loads(stem.with_name(stem.name + ".sigmf-meta").read_text(encoding="utf-8"))
    data = stem.with_name(stem.name + ".sigmf-data").read_bytes()
    header = meta["global"]
    if hashlib.sha512(data).hexdigest() != header["core:sha512"]:
        raise ValueError(f"{stem}.sigmf-data: SHA-512 differs from core:sha512: must be the file that was written")
    return np.frombuffer(data, "<c8").reshape(-1, header["core:num_channels"]).T, meta
