"""``vedette validate``: the models against published figures and the acceptance gates."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer

from benchmarks.validation.check import check_rows
from benchmarks.validation.gates import check_gates
from benchmarks.validation.published import SHIPPED, read_published
from benchmarks.validation.report import as_object, as_text, exit_code, quantities


def print_quantities() -> None:
    """Print the quantities that are modelled."""
    print(quantities())


def main(published: Path | None, data: Path | None, *, gates: bool, as_json: bool, quiet: bool) -> None:
    """Print the verdicts; end with 1 on a miss and 2 on a malformed row."""
    if data is not None and not data.is_dir():
        raise FileNotFoundError(f"--data {data}: no such folder")
    verdicts = check_rows(read_published(published or SHIPPED), data)
    if gates:
        verdicts += check_gates(data, lambda text: None if quiet else print(text, file=sys.stderr, flush=True))
    print(json.dumps(as_object(verdicts), indent=2) if as_json else as_text(verdicts))
    if code := exit_code(verdicts):
        raise typer.Exit(code)
