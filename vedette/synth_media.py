"""The makers of ``vedette synth``: one a kind, from a sensor and an interval to files and a line of the manifest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.truth_table import truth_table, write_truth
from messages.frames import F64
from messages.truth import TruthSet, TruthState
from scenarios.types import DRONE_CLASSES
from sim.sensors.acoustic import MicrophoneArray
from sim.signals.audio import array_sound
from sim.signals.wav import write_wav
from sim.simulation import Simulation
from vedette.synth_clip import Clip, Told, detection_probability
from vedette.synth_radio import radar, radio
from vedette.synth_video import thermal, visible

TRUTH_PERIOD_S = 0.1
SEEN_PD = 0.5  # a clip is named after a drone that the plot-level sensor finds at least as often as not


@dataclass(frozen=True)
class Maker:
    """How one kind of media is made of one kind of sensor."""

    kind: str
    sensor_kind: str
    make: Callable[[Clip, Told], dict[str, Any]]


def audio(clip: Clip, told: Told) -> dict[str, Any]:
    """Write one WAV of all microphones, named DRONE where the plot-level array hears one, and the places of these."""
    sensor, world = clip.sensor, clip.simulation.world
    assert isinstance(sensor, MicrophoneArray)
    sound = array_sound(sensor, world, world.target_types, clip.start_s, clip.seconds, clip.rng, progress=told)
    folder = clip.folder / "audio"
    folder.mkdir(exist_ok=True)
    middles = clip.start_s + clip.seconds * (np.arange(5) + 0.5) / 5.0
    best = np.max([detection_probability(clip.simulation, sensor, float(t)) for t in middles], axis=0)
    heard = [i for i, p in enumerate(best) if p >= SEEN_PD]
    drone = any(world.target_types[i].target_class in DRONE_CLASSES for i in heard)
    file = folder / f"{'DRONE' if drone else 'BACKGROUND'}_{clip.number:03d}.wav"
    full_scale_pa = write_wav(file, sound.pressure_pa, sound.rate_hz)
    return clip.entry(
        "audio",
        file,
        f"{len(sound.pressure_pa)} microphones, {clip.seconds:g} s at {sound.rate_hz:g} Hz",
        rate_hz=sound.rate_hz,
        full_scale_pa=full_scale_pa,
        heard=[world.target_ids[i] for i in heard],
        microphones_m=np.round(sound.microphones_m, 6).tolist(),
    )


_MAKERS = (
    Maker("audio", "acoustic", audio),
    Maker("thermal", "ir", thermal),
    Maker("visible", "eo", visible),
    Maker("rf", "rf", radio),
    Maker("radar", "radar", radar),
)
KINDS: dict[str, Maker] = {m.kind: m for m in _MAKERS}
"""What ``--kind`` may name, in the order in which all are made."""


def truth_of(simulation: Simulation, sensors: list[str], start_s: float, seconds: float, path: Path) -> None:
    """Write the truth at 10 Hz, with the plot-level Pd of the chosen sensors, in the columns of a run's truth.csv."""
    world = simulation.world
    models = [s for s in simulation.sensors if s.sensor_id in sensors]
    sets = []
    for k in range(int(round(seconds / TRUTH_PERIOD_S, 6)) + 1):
        t_s = start_s + k * TRUTH_PERIOD_S
        truth = world.targets(t_s)
        pd = {s.sensor_id: detection_probability(simulation, s, t_s) for s in models}
        targets = tuple(
            TruthState(
                target_id=target_id,
                target_class=simulation.targets.target_class[i],
                threat=world.threats[i],
                airborne=bool(truth.airborne[i]),
                position_m=_triple(truth.position_m[i]),
                velocity_mps=_triple(truth.velocity_mps[i]),
                detection_probability={name: min(float(p[i]), 1.0) for name, p in pd.items()},
            )
            for i, target_id in enumerate(world.target_ids)
        )
        sets.append(TruthSet(t_ns=round(t_s * 1e9), targets=targets, platforms=()))
    write_truth(path, truth_table(sets))


def _triple(vector: F64) -> tuple[float, float, float]:
    x, y, z = vector.tolist()
    return x, y, z
