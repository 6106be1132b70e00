"""Labelled SigMF recordings through the radio detector: confusion by SNR, errors of bearings, time a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from benchmarks.rf_examples import HELD_OUT_SNR_DB, RATES_HZ
from detectors.media import MediaError
from detectors.rf import scores
from detectors.rf.classifier import CLASSES, Claim, EmitterClassifier
from detectors.rf.recording import META, Recording, Snapshot, meta_files, read_recording
from detectors.rf.scans import Heard, azimuth_sigma_rad, listen
from sim.randomness import generator
from sim.signals.emitters import Family, snapshot
from sim.signals.radio_array import antenna_places
from sim.signals.sigmf import SigmfWriter

KINDS = {
    "fhss": "fhss_control",
    "digital_video": "ofdm_video",
    "lte": "ofdm_video",
    "remote_id": "wifi",
    **{name: name for name in CLASSES},
}
"""Labels of annotations, as ``vedette synth`` and ``vedette synth-emitters`` write them -> classes."""
APERTURE_M = 0.4  # of the catalogue's direction finder
Progress = Callable[[int, int, str], None]


@dataclass
class Judged:
    """Every annotation against the claim that shares most of its band and time; NaN where nothing was claimed."""

    label: list[int] = field(default_factory=list)
    probabilities: list[Any] = field(default_factory=list)
    found: list[bool] = field(default_factory=list)
    snr_db: list[float] = field(default_factory=list)
    error_deg: list[float] = field(default_factory=list)
    sigma_deg: list[float] = field(default_factory=list)
    times_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    extra: int = 0


def evaluate(data: Path, classifier: EmitterClassifier, progress: Progress | None = None) -> dict[str, Any]:
    """Return the figures of a classifier on every recording of a folder, as one object for JSON.

    Raises MediaError where no recording can be used, or none has an annotation with a label that is known.
    """
    paths = meta_files(data)
    judged, refused = Judged(), []
    for done, path in enumerate(paths):
        try:
            _judge(read_recording(path), classifier, judged)
        except MediaError as error:
            refused.append(str(error))
        if progress is not None:
            progress(done + 1, len(paths), path.stem)
    if not judged.label:
        raise MediaError(
            "\n".join([f"{data}: no annotation with core:label of {', '.join(KINDS)}: nothing to judge by", *refused])
        )
    session = classifier.session
    return _figures(judged) | {
        "recordings": len(paths) - len(refused),
        "refused": refused,
        "ms_snapshot_median": round(float(np.median(judged.times_ms)), 3),
        "ms_snapshot_p95": round(float(np.percentile(judged.times_ms, 95.0)), 3),
        "cpu_ms_snapshot_median": round(float(np.median(judged.cpu_ms)), 3),
        "threads": session.threads,
        "provider": session.provider,
        "passed_over": [p._asdict() for p in session.passed_over],
        "model_sha256": session.model.sha256,
    }


def _judge(recording: Recording, classifier: EmitterClassifier, judged: Judged) -> None:
    notes = [a for a in recording.meta.get("annotations", []) if a.get("core:label") in KINDS]
    heard = listen(recording, classifier)
    while True:
        started, processor = perf_counter(), process_time()
        h = next(heard, None)
        if h is None:
            return
        judged.cpu_ms.append(1e3 * (process_time() - processor))
        judged.times_ms.append(1e3 * (perf_counter() - started))
        _compare(h, [a for a in notes if _shared_samples(a, h.snapshot) > 0], judged)


def _compare(h: Heard, notes: list[dict[str, Any]], judged: Judged) -> None:
    used: set[int] = set()
    for note in notes:
        shared = [_shared_hz(note, claim, h.snapshot) for claim in h.claims]
        best = int(np.argmax(shared)) if shared and max(shared) > 0.0 else None
        judged.label.append(CLASSES.index(KINDS[note["core:label"]]))
        judged.found.append(best is not None)
        judged.snr_db.append(float(note.get("vedette:snr_db", np.nan)))
        claim = None if best is None else h.claims[best]
        used |= set() if best is None else {best}
        judged.probabilities.append(np.zeros(len(CLASSES)) if claim is None else claim.probabilities)
        known = claim is not None and claim.bearing is not None and "vedette:azimuth_deg" in note
        error = np.nan
        if known and claim is not None and claim.bearing is not None:
            error = (np.degrees(claim.bearing.azimuth_rad) - float(note["vedette:azimuth_deg"]) + 180.0) % 360.0 - 180.0
        judged.error_deg.append(float(error))
        judged.sigma_deg.append(float(np.degrees(azimuth_sigma_rad(claim))) if known and claim else np.nan)
    judged.extra += len(h.claims) - len(used)


def _shared_samples(note: dict[str, Any], s: Snapshot) -> int:
    first, count = int(note["core:sample_start"]), int(note["core:sample_count"])
    return int(min(first + count, s.first + s.samples.shape[1]) - max(first, s.first))


def _shared_hz(note: dict[str, Any], claim: Claim, s: Snapshot) -> float:
    low, high = (s.frequency_hz + f for f in (claim.signal.low_hz, claim.signal.high_hz))
    return min(float(note["core:freq_upper_edge"]), high) - max(float(note["core:freq_lower_edge"]), low)


def _figures(judged: Judged) -> dict[str, Any]:
    label, found = np.array(judged.label), np.array(judged.found, dtype=np.bool_)
    probabilities, snr_db = np.array(judged.probabilities), np.array(judged.snr_db)
    told = np.isfinite(snr_db)
    return {
        "detector": "rf",
        "snapshots": len(judged.times_ms),
        **scores.figures(label, probabilities, found),
        "extra_signals": judged.extra,
        "by_snr": scores.by_snr(label[told], probabilities[told], found[told], snr_db[told]),
        "bearings": _bearings(np.array(judged.error_deg), np.array(judged.sigma_deg), snr_db),
    }


def _bearings(error_deg: Any, sigma_deg: Any, snr_db: Any) -> dict[str, Any]:
    out = {}
    given = np.isfinite(error_deg)
    level = np.where(np.isfinite(snr_db), 5 * np.round(snr_db / 5.0), np.nan)
    for k in np.unique(level[given]):
        at = given & (level == k)
        out[f"{int(k)} dB"] = {
            "bearings": int(at.sum()),
            "rmse_deg": float(np.sqrt(np.mean(error_deg[at] ** 2))),
            "median_deg": float(np.median(np.abs(error_deg[at]))),
            "sigma_deg": float(np.median(sigma_deg[at])),
        }
    return out


def write_emitters(folder: Path, count: int, seed: int, family: Family, progress: Progress | None = None) -> None:
    """Write ``count`` recordings of single emitters at a direction finder, the classes and SNRs in turn."""
    antennas_m = antenna_places(APERTURE_M)
    for k in range(count):
        rng = generator(seed, f"recordings/{family}/{k}")
        snr_db = HELD_OUT_SNR_DB[k // len(CLASSES) % len(HELD_OUT_SNR_DB)]
        shot = snapshot(CLASSES[k % len(CLASSES)], family, snr_db, rng, float(rng.choice(RATES_HZ)), antennas_m)
        more = {"antennas_m": np.round(antennas_m, 6).tolist(), "seed": seed, "family": family}
        with SigmfWriter(folder / f"RF_{k:04d}", len(antennas_m), shot.rate_hz, **more) as writer:
            writer.write(shot.samples, shot.tuned_hz, {"vedette:t_s": 0.0})
            half = 0.5 * shot.emitter.bandwidth_hz
            keys = {
                "vedette:azimuth_deg": float(np.degrees(shot.azimuth_rad)),
                "vedette:elevation_deg": float(np.degrees(shot.elevation_rad)),
                "vedette:snr_db": snr_db,
                "core:comment": shot.emitter.what,
            }
            edges = (shot.frequency_hz - half, shot.frequency_hz + half)
            writer.annotate(shot.first, shot.count, *edges, shot.emitter.label, keys)
        if progress is not None:
            progress(k + 1, count, f"RF_{k:04d}{META}")
