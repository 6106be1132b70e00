"""``vedette score``: tracks against truth, one JSON object on standard output."""

from __future__ import annotations

import json
import math
from pathlib import Path

from benchmarks.score import score
from vedette.errors import InputError


def main(tracks: Path, truth: Path, cutoff_m: float) -> None:
    """Print the score."""
    if not math.isfinite(cutoff_m):
        raise InputError(f"--cutoff-m = {cutoff_m}: must be a number of metres")
    print(json.dumps(score(tracks, truth, cutoff_m), indent=2))
