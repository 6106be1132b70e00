"""What was heard as SigMF annotations: the recording's own metadata, with a box in time and frequency a signal."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from detectors.rf.recording import DATA, Recording
from detectors.rf.scans import Heard, azimuth_sigma_rad

GENERATOR = "vedette detect rf"


def as_annotations(heard: Iterable[Heard]) -> list[dict[str, Any]]:
    """Return one annotation a signal, in order of its first sample."""
    out: list[dict[str, Any]] = []
    for h in heard:
        for claim in h.claims:
            s = claim.signal
            note = {
                "core:sample_start": h.snapshot.first + s.first,
                "core:sample_count": s.count,
                "core:freq_lower_edge": h.snapshot.frequency_hz + s.low_hz,
                "core:freq_upper_edge": h.snapshot.frequency_hz + s.high_hz,
                "core:label": claim.label,
                "core:generator": GENERATOR,
                "vedette:probability": round(float(claim.probabilities.max()), 4),
                "vedette:snr_db": round(s.snr_db, 2),
            }
            if claim.bearing is not None:
                note["vedette:azimuth_deg"] = round(float(np.degrees(claim.bearing.azimuth_rad)), 3)
                note["vedette:azimuth_sigma_deg"] = round(float(np.degrees(azimuth_sigma_rad(claim))), 3)
            out.append(note)
    return sorted(out, key=lambda a: (a["core:sample_start"], a["core:freq_lower_edge"]))


def write_annotated(path: Path, recording: Recording, heard: Iterable[Heard]) -> None:
    """Write the metadata of a recording with what was heard, beside no samples: ``core:dataset`` names their file."""
    head = dict(recording.meta["global"])
    head["core:dataset"] = os.path.relpath(recording.path.with_suffix(DATA), path.parent)
    meta = {"global": head, "captures": recording.meta["captures"], "annotations": as_annotations(heard)}
    path.write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
