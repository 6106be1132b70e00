"""The whole benchmark: every scene with every tracker, marginals, filter step, growth; one JSON object."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.core import filter_step, marginals, peers
from benchmarks.core.ours import run_ours
from benchmarks.core.scenes import Scene, load_scene, make_scene, scene_names
from benchmarks.core.trial import Trial, figures, times

PEER_TARGETS = 200  # scenes with more targets run without peers: one of their scans takes half a minute and more
SINGLE_KINDS = (("radar",), ("eo", "ir"), ("acoustic",), ("rf",))  # of a column: what each kind of sensor does alone
Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What is run. ``scans`` shortens scenes of one radar; a peer stops after ``peer_scans`` or ``peer_limit_s``."""

    scenes: tuple[str, ...] = ()
    scans: int | None = None
    seed: int | None = None
    peers: bool = True
    peer_scans: int = 200
    peer_limit_s: float = 100.0
    limit_s: float = 600.0
    kernels: bool = True
    """Also marginals and the filter step."""


def run_bench(options: Options, say: Say) -> dict[str, Any]:
    """Run the benchmark and return its results; ``say`` is told what goes on."""
    with_peers = options.peers and peers.available()
    if options.peers and not with_peers:
        say("peers are not installed (make peers): ours alone is measured")
    loads = [os.getloadavg()[0]]
    names = options.scenes or tuple(scene_names())
    for name in names:
        load_scene(name)
    scenes = [bench_scene(name, options, with_peers, say) for name in names]
    result: dict[str, Any] = {"options": asdict(options), "machine": machine(), "scenes": scenes}
    result["growth"] = growth(scenes)
    if options.kernels:
        rng = np.random.default_rng(options.seed or 1)
        say("marginals of fully connected clusters")
        result["marginals"] = marginals.compare(rng, peers.ehm2_marginals() if with_peers else None)
        say("filter step of 1000 tracks")
        result["filter_step"] = filter_step.compare(rng)
    loads.append(os.getloadavg()[0])
    result["machine"]["load_before_and_after"] = loads
    return result


def machine() -> dict[str, Any]:
    """Return what the times depend on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": peers.installed(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def bench_scene(name: str, options: Options, with_peers: bool, say: Say) -> dict[str, Any]:
    """Return one scene with ours first, then each peer, each next to ours over the same scans."""
    changes = {"scans": options.scans} if options.scans and load_scene(name).kind != "column" else {}
    scene = make_scene(name, options.seed, **changes)
    run_ours(_first(scene, 5), options.limit_s)  # compiles, or loads from the cache, what the first scan would wait for
    say(f"{name}: vedette, {len(scene.heard)} scans")
    own, largest = run_ours(scene, options.limit_s)
    trackers = [_entry(own, scene) | {"largest_counts": largest}]
    if scene.kind == "column":
        trackers += [_entry(trial, scene) for trial in _alone(scene, options, say)]
    targets = len(scene.truth.target_ids)
    if with_peers and targets <= PEER_TARGETS:
        trackers += [_beside(trial, own, scene) for trial in _peer_trials(scene, options, say)]
    return {
        "scene": name,
        "kind": scene.kind,
        "seed": scene.seed,
        "targets": targets,
        "clutter_per_scan": sum(sensor.clutter_per_scan for sensor in scene.sensors),
        "scans": len(scene.heard),
        "trackers": trackers,
    }


def _first(scene: Scene, scans: int) -> Scene:
    fields = {name: getattr(scene, name) for name in scene.__dataclass_fields__}
    return Scene(**(fields | {"heard": scene.heard[:scans]}))


def _alone(scene: Scene, options: Options, say: Say) -> Iterable[Trial]:
    for kinds in SINGLE_KINDS:
        say(f"{scene.name}: vedette, {' and '.join(kinds)} alone")
        yield run_ours(scene, options.limit_s, kinds)[0]


def _peer_trials(scene: Scene, options: Options, say: Say) -> Iterable[Trial]:
    for name in peers.peer_names(scene.kind):
        scans = len(scene.heard) if scene.poses else options.peer_scans  # a column's scans are small: time alone limits
        say(f"{scene.name}: {name}, at most {scans} scans and {options.peer_limit_s:g} s")
        yield peers.run_peer(name, _first(scene, scans), options.peer_limit_s)


def _entry(trial: Trial, scene: Scene) -> dict[str, Any]:
    done = {"tracker": trial.tracker, "scans": len(trial.step_ms), "stopped_by_limit": trial.cut}
    return done | times(trial) | figures(trial, scene.truth)


def _beside(trial: Trial, own: Trial, scene: Scene) -> dict[str, Any]:
    """Return a peer's entry with ours over the same scans, and the two ratios."""
    entry = _entry(trial, scene)
    if not entry["scans"]:  # stopped in its first scan: there is nothing to compare
        return entry
    same = figures(own, scene.truth, trial.last_ns)
    first = Trial(own.tracker, own.step_ms[: len(trial.step_ms)], own.tracks, trial.last_ns)
    return entry | {
        "vedette_same_scans": same | times(first),
        "times_slower": entry["median_ms"] / times(first)["median_ms"],
        "gospa_ours_over_theirs": same["gospa_m"] / entry["gospa_m"],
    }


def growth(scenes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return our cost a scan against the number of targets, where there is as much clutter as targets."""
    rows = []
    for scene in scenes:
        if scene["kind"] == "spread" and scene["clutter_per_scan"] == scene["targets"]:
            n, cost = scene["targets"], scene["trackers"][0]["median_ms"]
            rows.append({"targets": n, "median_ms": cost, "us_over_n_log2_n": 1e3 * cost / (n * np.log2(n))})
    return rows
