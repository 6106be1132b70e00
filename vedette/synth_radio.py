"""Radio and radar of ``vedette synth``: SigMF recordings of a direction finder, echoes of a radar as .npz."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.sensors.radar import Radar
from sim.sensors.rf import RadioFinder
from sim.signals.radar_echo import EchoMaker
from sim.signals.radio_array import ArrayReceiver
from sim.signals.sigmf import SigmfWriter
from vedette.synth_clip import Clip, Told


def radio(clip: Clip, told: Told) -> dict[str, Any]:
    """Write one SigMF recording: a capture a look and tuning, an annotation a burst."""
    sensor, simulation = clip.sensor, clip.simulation
    assert isinstance(sensor, RadioFinder)
    receiver = ArrayReceiver(sensor, simulation.world, simulation.world.target_ids, simulation.seed, clip.jammers)
    folder = clip.folder / "rf"
    folder.mkdir(exist_ok=True)
    stem = folder / f"RF_{clip.number:03d}"
    looks = max(int(clip.seconds / sensor.profile.scan_period_s), 1) * len(receiver.tunings)
    heard: set[str] = set()
    places = np.round(receiver.antennas_m, 6).tolist()
    more = {"antennas_m": places, "unit": "sqrt(mW)", "sensor_id": clip.sensor_id, "seed": simulation.seed}
    with SigmfWriter(stem, len(receiver.antennas_m), receiver.rate_hz, **more) as writer:
        for k, shot in enumerate(receiver.looks(clip.start_s, clip.seconds, clip.rng)):
            begin = writer.samples
            writer.write(shot.samples, shot.frequency_hz, {"vedette:t_s": round(shot.t_s, 9)})
            for b in shot.bursts:
                name = simulation.world.target_ids[b.target]
                heard.add(name)
                keys = {
                    "vedette:target_id": name,
                    "vedette:azimuth_deg": float(np.degrees(b.azimuth_rad)),
                    "vedette:elevation_deg": float(np.degrees(b.elevation_rad)),
                    "vedette:snr_db": b.snr_db,
                }
                edges = (b.frequency_hz - 0.5 * b.bandwidth_hz, b.frequency_hz + 0.5 * b.bandwidth_hz)
                writer.annotate(begin + b.first, b.count, *edges, b.kind, keys)
            told(k + 1, looks)
    return clip.entry(
        "rf",
        stem.with_name(f"{stem.name}.sigmf-meta"),
        f"{looks} captures of {len(receiver.antennas_m)} antennas at {receiver.rate_hz / 1e6:g} MHz",
        rate_hz=receiver.rate_hz,
        heard=sorted(heard),
    )


def radar(clip: Clip, told: Told) -> dict[str, Any]:
    """Write the slow time of every target in view as one .npz; docs/signals.md says what its arrays are."""
    sensor, world = clip.sensor, clip.simulation.world
    assert isinstance(sensor, Radar)
    maker = EchoMaker(sensor, world, clip.start_s, clip.seconds, clip.jammers)
    rngs = clip.rng.spawn(len(world.target_types))
    seen, made = maker.in_view(), []
    for k, i in enumerate(seen):
        made.append(maker.echo(i, world.target_types[i], rngs[i]))
        told(k + 1, len(seen))
    folder = clip.folder / "radar"
    folder.mkdir(exist_ok=True)
    file = folder / f"RADAR_{clip.number:03d}.npz"
    n, shape = len(maker.t_s), (len(made), len(maker.t_s))
    np.savez(
        file,
        t_s=maker.t_s,
        iq=np.array([e.iq for e in made], dtype=np.complex64).reshape(shape),
        range_m=np.array([e.range_m for e in made]).reshape(shape),
        range_rate_mps=np.array([e.range_rate_mps for e in made]).reshape(shape),
        snr_db=np.array([e.snr_db for e in made]).reshape(shape),
        target_id=np.array([world.target_ids[i] for i in seen], dtype=str),
        target_class=np.array([world.target_types[i].target_class for i in seen], dtype=str),
        frequency_hz=sensor.profile.frequency_hz,
        prf_hz=maker.prf_hz,
        pulses_per_dwell=maker.pulses_per_dwell,
    )
    return clip.entry(
        "radar",
        file,
        f"{len(seen)} targets, {n} pulses at {maker.prf_hz:.0f} Hz",
        prf_hz=maker.prf_hz,
        targets=len(seen),
    )
