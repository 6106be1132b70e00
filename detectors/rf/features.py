"""What the classifier sees of a signal: its spectrogram at its own scale, and how much it repeats itself after a time.

The signal is moved to the middle and decimated to OVERSIZE times its bandwidth, so a narrow and a wide link of one kind
look alike: chirps are slopes, FM is a thin line that wanders, OFDM and noise are grain. What tells OFDM from noise is
the cyclic prefix: the autocorrelation stands up after the useful part of a symbol (3.2 us Wi-Fi, 66.7 us LTE), that of
analogue video after a line (64 us), that of chirps after a symbol.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from detectors.rf.energy import Signal
from detectors.rf.recording import C64, SNAPSHOT_S
from messages.frames import F64

F32 = NDArray[np.float32]

OVERSIZE = 1.5
BINS, COLUMNS = 32, 64
HOP = 8
FLOOR = 1e-3  # 30 dB under the mean: what is quieter counts as equally quiet
LAGS = 64
LAGS_S = (0.4e-6, 160e-6)  # a sixth of a snapshot's length still gives a third of a snapshot to average over
SCALARS = ("log10_bandwidth_mhz", "on_share", "busy_blocks_share")
CONTEXT = 2 * LAGS + len(SCALARS)
_WINDOW = np.hanning(BINS + 1)[:-1].astype(np.float32)
_EDGES_S = np.geomspace(*LAGS_S, LAGS + 1)


def zoomed(samples: C64, signal: Signal, rate_hz: float) -> tuple[C64, C64]:
    """Return a signal's part of samples (n,) at ``OVERSIZE * bandwidth_hz``, centred, and its spectrum (the same n)."""
    part = samples[signal.first : signal.first + signal.count]
    n = len(part)
    spectrum = fft.fft(part)
    width = min(max(round(OVERSIZE * signal.bandwidth_hz * n / rate_hz), 2 * BINS), n)
    middle = round(signal.middle_hz * n / rate_hz)
    cut = spectrum[(middle + np.arange(-(width // 2), width - width // 2)) % n]
    cut = np.fft.ifftshift(cut)
    return np.asarray(fft.ifft(cut), dtype=np.complex64), np.asarray(cut, dtype=np.complex64)


def features(samples: C64, signal: Signal, rate_hz: float) -> tuple[F32, F32]:
    """Return the spectrogram (1, BINS, COLUMNS) and the context (CONTEXT,) of a signal in samples (n,)."""
    zoom, spectrum = zoomed(samples, signal, rate_hz)
    lag_s = signal.count / rate_hz / len(zoom)
    coherence, significance = _repetition(spectrum, lag_s)
    scalars = [
        np.log10(signal.bandwidth_hz / 1e6),
        signal.count / rate_hz / SNAPSHOT_S,
        float(np.mean(signal.blocks)),
    ]
    context = np.concatenate([coherence, significance, scalars]).astype(np.float32)
    return _spectrogram(zoom), context


def _spectrogram(zoom: C64) -> F32:
    """Return levels [log10 over the mean], from the middle of the signal; one that is too short is repeated."""
    needed = BINS + HOP * (COLUMNS - 1)
    start = max((len(zoom) - needed) // 2, 0)
    excerpt = zoom[start : start + needed]
    frames = np.lib.stride_tricks.sliding_window_view(excerpt, BINS)[::HOP]
    power = np.abs(np.fft.fftshift(fft.fft(frames * _WINDOW, axis=1), axes=1)) ** 2
    power = power[np.arange(COLUMNS) % len(power)].T
    level = np.log10(power / max(float(power.mean()), 1e-30) + FLOOR)
    return np.asarray(level[None], dtype=np.float32)


def _repetition(spectrum: C64, lag_s: float) -> tuple[F64, F64]:
    """Return the greatest autocorrelation coefficient in each of LAGS intervals, as it is and over that of noise.

    Over noise it is ``|r| sqrt(n / OVERSIZE)``, of mean square 1 for noise in the band; its logarithm is returned.
    """
    power = spectrum.real.astype(np.float64) ** 2 + spectrum.imag.astype(np.float64) ** 2
    r = np.abs(np.fft.ifft(power))
    r = r / max(float(r[0]), 1e-30)
    edges = np.clip(np.round(_EDGES_S / lag_s).astype(np.int64), 1, max(len(r) // 2, 1))
    last = len(r) // 2
    found = np.array([r[a : max(b, a + 1)].max() if a < last else 0.0 for a, b in pairwise(edges)])
    return found, np.log1p(found * np.sqrt(len(r) / OVERSIZE))
