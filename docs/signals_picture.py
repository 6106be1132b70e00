"""Draw the picture of signals.md from a folder of vedette synth: python docs/signals_picture.py MEDIA OUT.png."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from scipy import signal
from scipy.io import wavfile

from benchmarks.plot_style import style
from detectors.media import VideoClip
from sim.propagation.radar import wavelength_m
from sim.signals.sigmf import read_sigmf

COLOURS = 100
FLOOR_DB = 45.0  # colours end so far under the strongest


def main(media: Path, out: Path) -> None:
    """Draw sound, thermal frame, radar and radio of one folder side by side."""
    clips = {clip["kind"]: clip for clip in json.loads((media / "manifest.json").read_text())["clips"]}
    with style():
        figure, axes = plt.subplots(2, 2, figsize=(10.0, 7.0))
        sound(axes[0, 0], media, clips["audio"])
        frame(axes[0, 1], media, clips["thermal"])
        echo(axes[1, 0], media, clips["radar"])
        radio(axes[1, 1], media, clips["rf"])
        figure.tight_layout()
        drawn = io.BytesIO()
        figure.savefig(drawn, dpi=75)
    # Spectrograms of noise do not compress: few colours keep the file small.
    Image.open(drawn).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(out, optimize=True)


def show(axes: Any, t_s: Any, y: Any, power: Any, title: str, label: str, floor_db: float = FLOOR_DB) -> None:
    """Draw a spectrogram in decibels."""
    level = 10.0 * np.log10(power + 1e-30)
    axes.pcolormesh(t_s, y, level, vmin=level.max() - floor_db, vmax=level.max(), cmap="magma", rasterized=True)
    axes.set(title=title, xlabel="time [s]", ylabel=label)
    axes.grid(False)


def sound(axes: Any, media: Path, clip: dict[str, Any]) -> None:
    """Draw the sum of the microphones: the comb of the rotors, its Doppler and manoeuvre."""
    rate, pressure = wavfile.read(media / clip["file"])
    f, t, p = signal.spectrogram(pressure[:, 0].astype(float), rate, nperseg=2048, noverlap=1024)
    keep = f < 5000.0
    show(axes, clip["start_s"] + t, f[keep], p[keep], "one microphone", "frequency [Hz]", 40.0)


def frame(axes: Any, media: Path, clip: dict[str, Any]) -> None:
    """Draw the frame in the middle with its boxes."""
    with VideoClip(media / clip["file"]) as video:
        frames = list(video.frames())
    middle = frames[len(frames) // 2]
    axes.imshow(middle.grey, cmap="gray", interpolation="nearest")
    with (media / "thermal" / "boxes.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["clip"] == Path(clip["file"]).stem and int(row["frame"]) == middle.number and row["x_px"]:
                x, y, w, h = (float(row[k]) for k in ("x_px", "y_px", "width_px", "height_px"))
                axes.add_patch(plt.Rectangle((x - 6, y - 6), w + 12, h + 12, fill=False, color="tab:orange"))
    axes.set(title="thermal window, targets marked", xlabel="[px]")
    axes.grid(False)


def echo(axes: Any, media: Path, clip: dict[str, Any]) -> None:
    """Draw the micro-Doppler of the nearest target over a quarter of a second."""
    with np.load(media / clip["file"]) as radar:
        nearest = int(np.argmin(radar["range_m"][:, 0]))
        prf, iq, t0 = float(radar["prf_hz"]), radar["iq"][nearest], float(radar["t_s"][0])
        name, length = radar["target_id"][nearest], wavelength_m(float(radar["frequency_hz"]))
    piece = iq[: round(0.1 * prf)]
    f, t, p = signal.spectrogram(piece, prf, nperseg=32, noverlap=28, nfft=256, return_onesided=False)
    order = np.argsort(-f)
    show(axes, t0 + t, -0.5 * length * f[order], p[order], f"radar, {name}", "range rate [m/s]")


def radio(axes: Any, media: Path, clip: dict[str, Any]) -> None:
    """Draw the capture that holds most of a burst."""
    samples, meta = read_sigmf(media / clip["file"].removesuffix(".sigmf-meta"))
    starts = [c["core:sample_start"] for c in meta["captures"]] + [samples.shape[1]]
    rate = meta["global"]["core:sample_rate"]

    def capture(burst: dict[str, Any]) -> int:
        return int(np.searchsorted(starts, burst["core:sample_start"], side="right")) - 1

    def inside(burst: dict[str, Any]) -> float:
        middle = meta["captures"][capture(burst)]["core:frequency"]
        low, high = burst["core:freq_lower_edge"], burst["core:freq_upper_edge"]
        return float(min(high, middle + rate / 2.0) - max(low, middle - rate / 2.0)) * burst["core:sample_count"]

    best = max(meta["annotations"], key=inside)
    k = capture(best)
    piece, middle = samples[0, starts[k] : starts[k + 1]], meta["captures"][k]["core:frequency"]
    f, t, p = signal.spectrogram(piece, rate, nperseg=256, noverlap=128, return_onesided=False)
    order, title = np.argsort(f), f"one antenna, {best['core:label'].replace('_', ' ')}"
    show(axes, 1e3 * t, (middle + f[order]) / 1e6, p[order], title, "frequency [MHz]", 30.0)
    edges = [
        max(best["core:freq_lower_edge"], middle - rate / 2.0),
        min(best["core:freq_upper_edge"], middle + rate / 2.0),
    ]
    axes.set(xlabel="time in the capture [ms]", ylim=[edge / 1e6 for edge in edges])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
