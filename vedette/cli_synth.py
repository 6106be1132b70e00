"""The options of ``vedette synth``; the work is in ``vedette.synth``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def synth(
    scenario: Annotated[str, typer.Argument(help="Name in the library (vedette scenarios) or a YAML file.")],
    out: Annotated[Path, typer.Option(help="Folder to make; it must not exist, or be empty.")],
    sensor: Annotated[
        list[str] | None, typer.Option(help="Sensor to synthesise, repeatable; default: one of every kind.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="audio, thermal, visible, rf or radar: the first such sensor; repeatable."),
    ] = None,
    start: Annotated[float, typer.Option(help="Time in the scenario at which to begin, seconds.")] = 0.0,
    seconds: Annotated[float, typer.Option(help="How long, in all.")] = 10.0,
    clip_seconds: Annotated[
        float, typer.Option("--clip-seconds", help="Length of a clip; camera windows are pointed anew for each.")
    ] = 10.0,
    seed: Annotated[int | None, typer.Option(help="Seed of every random draw; default: the scenario's own.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Override one value of the scenario, for example targets[0].start_s=3.", metavar="KEY=VALUE"
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, print only the result.")] = False,
) -> None:
    """Synthesise what the sensors' front ends record: sound, video, IQ and radar echoes, with their truth.

    Example: vedette synth crossing_pair --kind audio --kind thermal --start 60 --seconds 5 --out runs/media
    """
    from vedette import synth as verb

    verb.main(
        verb.SynthOptions(
            scenario=scenario,
            out=out,
            sensors=tuple(sensor or ()),
            kinds=tuple(kind or ()),
            start_s=start,
            seconds=seconds,
            clip_s=clip_seconds,
            seed=seed,
            overrides=tuple(set_ or ()),
            quiet=quiet,
        )
    )
