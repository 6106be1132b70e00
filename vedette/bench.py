"""``vedette bench core``: the tracking core and its peers side by side."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.core.bench import Options, run_bench
from benchmarks.core.plots import draw
from benchmarks.core.table import as_text


def main(options: Options, *, as_json: bool, plots: Path | None, quiet: bool) -> None:
    """Run the benchmark, print the table or the JSON object, draw the plots."""

    def say(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr, flush=True)

    result = run_bench(options, say)
    if plots is not None:
        for path in draw(result, plots):
            say(f"wrote {path}")
    print(json.dumps(result, indent=2) if as_json else as_text(result))
