"""``vedette synth``: what the sensors' front ends would record of a scenario, as folders that training reads."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

from rich.progress import Progress as Bar

from scenarios.loader import effective_yaml, load
from scenarios.schema import Scenario
from sim.simulation import Simulation
from vedette.errors import InputError
from vedette.synth_clip import Clip
from vedette.synth_media import KINDS, Maker, truth_of

CLIP_S = 10.0  # of the public recordings; longer intervals become several clips
SHORTEST_S = 0.1
LONGEST_S = 60.0  # a minute of 32 microphones is 2 GB of memory
ROUNDING = 1e-9
MANIFEST_VERSION = 1


@dataclass(frozen=True)
class SynthOptions:
    """The options of the verb, as the user gave them."""

    scenario: str
    out: Path
    sensors: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    start_s: float = 0.0
    seconds: float = CLIP_S
    clip_s: float = CLIP_S
    seed: int | None = None
    overrides: tuple[str, ...] = ()
    quiet: bool = False


def main(options: SynthOptions) -> None:
    """Make the folder and say what is in it."""
    scenario = load(options.scenario, options.overrides)
    seed = scenario.seed if options.seed is None else options.seed
    clips = _clips(options, scenario, seed)
    with _staged(options.out) as folder, Bar(disable=options.quiet, transient=True) as bar:
        task = bar.add_task(f"{scenario.name}: computing the truth", total=None)
        simulation = Simulation(scenario, seed)
        chosen = _chosen(options, simulation)
        made: list[dict[str, Any]] = []
        for j, (sensor_id, maker) in enumerate(chosen):
            for k, (start_s, seconds) in enumerate(clips):
                number = sum(1 for m in made if m["kind"] == maker.kind) + 1
                name = f"{sensor_id}, clip {k + 1} of {len(clips)} (sensor {j + 1} of {len(chosen)})"
                bar.update(task, description=name, completed=0, total=None)
                clip = Clip(simulation, sensor_id, folder, number, k, start_s, seconds)
                made.append(maker.make(clip, lambda done, total: bar.update(task, completed=done, total=total)))
        _finish(folder, options, scenario, seed, simulation, [s for s, _ in chosen], made)
    if not options.quiet:
        print(f"{options.out}: manifest.json, truth.csv, scenario.yaml and")
        for entry in made:
            print(f"  {entry['file']}: {entry['says']}")


def _clips(options: SynthOptions, scenario: Scenario, seed: int) -> list[tuple[float, float]]:
    """Return start and length of every clip, after checking what can be checked before any work."""
    end_s = options.start_s + options.seconds
    if seed < 0:
        raise InputError(f"--seed = {seed}: must be >= 0")
    if not options.seconds >= SHORTEST_S:
        raise InputError(f"--seconds = {options.seconds:g}: must be >= {SHORTEST_S:g}")
    if not SHORTEST_S <= options.clip_s <= LONGEST_S:
        raise InputError(f"--clip-seconds = {options.clip_s:g}: must be {SHORTEST_S:g} to {LONGEST_S:g}")
    if not (options.start_s >= 0.0 and end_s <= scenario.duration_s):
        raise InputError(
            f"--start {options.start_s:g} --seconds {options.seconds:g}: must lie in 0 to {scenario.duration_s:g} s, "
            f"the length of {scenario.name}"
        )
    for kind in options.kinds:
        if kind not in KINDS:
            raise InputError(f"--kind = {kind}: must be one of {', '.join(KINDS)}")
    whole = int(options.seconds / options.clip_s + ROUNDING)
    lengths = [options.clip_s] * whole
    rest_s = options.seconds - whole * options.clip_s
    if rest_s > SHORTEST_S - ROUNDING:
        lengths.append(rest_s)
    else:
        lengths[-1] += rest_s  # too short for a clip of its own
    starts = [options.start_s + k * options.clip_s for k in range(len(lengths))]
    return list(zip(starts, lengths, strict=True))


def _chosen(options: SynthOptions, simulation: Simulation) -> list[tuple[str, Maker]]:
    """Return the sensors to synthesise: those named, and the first of every kind asked for (of all, if none is)."""
    by_id = {sensor.sensor_id: sensor for sensor in simulation.sensors}
    makers = {maker.sensor_kind: maker for maker in KINDS.values()}
    chosen: dict[str, Maker] = {}
    for name in options.sensors:
        if name not in by_id:
            known = ", ".join(by_id) or "none"
            raise InputError(f"--sensor = {name}: no such sensor in {simulation.scenario.name}; it has {known}")
        chosen[name] = makers[by_id[name].common.kind]
    for kind in options.kinds or (() if options.sensors else tuple(KINDS)):
        maker = KINDS[kind]
        first = next((s.sensor_id for s in simulation.sensors if s.common.kind == maker.sensor_kind), None)
        if first is not None:
            chosen[first] = maker
        elif options.kinds:
            raise InputError(f"--kind = {kind}: {simulation.scenario.name} has no {maker.sensor_kind} sensor: add one")
    if not chosen:
        raise InputError(f"{simulation.scenario.name}: has no sensor to synthesise: give a vehicle a fit")
    return list(chosen.items())


def _finish(
    folder: Path,
    options: SynthOptions,
    scenario: Scenario,
    seed: int,
    simulation: Simulation,
    sensors: list[str],
    made: list[dict[str, Any]],
) -> None:
    (folder / "scenario.yaml").write_text(effective_yaml(scenario), encoding="utf-8")
    truth_of(simulation, sensors, options.start_s, options.seconds, folder / "truth.csv")
    manifest = {
        "version": MANIFEST_VERSION,
        "scenario": scenario.name,
        "seed": seed,
        "start_s": options.start_s,
        "seconds": options.seconds,
        "clips": [{k: v for k, v in entry.items() if k != "says"} for entry in made],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


@contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """Give a folder beside ``out`` that becomes it when all is written, and is taken away when anything fails."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"--out = {out}: exists and is not an empty folder: choose another name")
    staging = out.with_name(f".{out.name}.part")
    if staging.exists():
        rmtree(staging)  # of a run that was killed
    try:
        staging.mkdir(parents=True)
        yield staging
        if out.is_dir():
            out.rmdir()
        staging.rename(out)
    except BaseException:
        rmtree(staging, ignore_errors=True)
        print(f"nothing was written to {out}", file=sys.stderr)
        raise
