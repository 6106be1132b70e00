"""``vedette score``: tracks against truth, one JSON object on standard output."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.score import score


def main(tracks: Path, truth: Path, cutoff_m: float) -> None:
    """Print the score."""
    print(json.dumps(score(tracks, truth, cutoff_m), indent=2))
