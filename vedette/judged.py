"""How a detector is judged on recordings: progress, what was not used, and one JSON object where it is wanted."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import Progress as Bar

Show = Callable[[int, int, str], None]
"""Told after each recording: how many are done, of how many, and its name."""


def judged(evaluate: Callable[[Show], dict[str, Any]], *, as_json: bool, quiet: bool) -> dict[str, Any] | None:
    """Judge with a progress bar; return the result where it is still to be printed, None where it was, as JSON."""
    with Bar(console=Console(stderr=True), disable=quiet, transient=True) as bar:
        task = bar.add_task("listening", total=None)

        def show(done: int, total: int, clip: str) -> None:
            bar.update(task, completed=done, total=total, description=clip)

        result = evaluate(show)
    for line in result["refused"]:
        print(f"vedette: not used: {line}", file=sys.stderr)
    if as_json:
        print(json.dumps(result, indent=2))
        return None
    return result
