"""Where in the band, and when, is more than noise: an ordered-statistic CFAR on the tiles of a spectrogram.

Tiles are the squared magnitudes of short Fourier transforms (Hann, no overlap), averaged over the antennas; cells are
averages of BLOCK frames by CHANNEL bins. The noise is read from the cells themselves: a low quantile of all of them,
over that of the gamma distribution which noise alone would give (Rohling 1983). It must be flat over the band, and at
most three quarters of the cells may be busy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, stats

from detectors.rf.recording import C64
from messages.frames import F64

BOOL = NDArray[np.bool_]

BIN_HZ = 156_250.0  # frames of 6.4 us: an 812 kHz hop is five bins wide, a 20 MHz video link 128
BLOCK = 8  # frames: 51 us, a fraction of the shortest burst that is told by its class
CHANNEL = 3  # bins
INDEPENDENT_BINS = 1.86  # of CHANNEL neighbours of a Hann window: 9 / (3 + 4 (2/3)^2 + 2 (1/6)^2)
HANN_FREEDOM = 0.514  # independent samples a tile's share of the band: (sum w^2)^2 / (n sum w^4)
QUANTILE = 0.25
FALSE_ALARM = 1e-7  # a cell: one in 2000 snapshots of 5000 cells
GROW_FALSE_ALARM = 1e-3  # a cell that touches a certain one belongs to it at this level
EDGE_DB = 20.0  # under the loud part of a signal: the skirts of windows and bursts are not its bandwidth
GAP_BINS = 5  # a fade between two paths, at most, inside one signal
BESIDE_SHARE = 0.3  # of the wider part's band: the lines of a video's sync pulses stand that far from its picture
TOGETHER_SHARE = 0.8  # of the blocks in which parts of one signal are on
ALIKE = 0.8  # of two directions' eigenvectors: within a third of a beam
SAME_SHARE = 0.5  # bursts that share this much of the narrower one's band are one emitter's
MAX_SIGNALS = 32


@dataclass(frozen=True)
class Tiles:
    """``spectra`` (antennas, frames, bins) in order of frequency; ``offset_hz`` (bins) against the tuning."""

    spectra: C64
    power: F64
    offset_hz: F64
    frame: int
    rate_hz: float


@dataclass(frozen=True)
class Signal:
    """Energy between two frequencies (against the tuning) and two samples; SNR in its bandwidth, of one antenna.

    ``blocks`` tells the blocks (BLOCK frames each) in which it was on; ``noise`` is the power of a tile of noise.
    """

    low_hz: float
    high_hz: float
    first: int
    count: int
    snr_db: float
    blocks: BOOL
    bins: tuple[int, int]
    noise: float

    @property
    def bandwidth_hz(self) -> float:
        """Return the width."""
        return self.high_hz - self.low_hz

    @property
    def middle_hz(self) -> float:
        """Return the middle frequency against the tuning."""
        return 0.5 * (self.low_hz + self.high_hz)


def tiles(samples: C64, rate_hz: float) -> Tiles:
    """Return the tiles of samples (antennas, n); a frame that is not whole is left over."""
    frame = 2 ** round(float(np.log2(rate_hz / BIN_HZ)))
    count = samples.shape[1] // frame
    window = np.hanning(frame + 1)[:-1].astype(np.float32)
    window /= np.sqrt(np.sum(window**2))
    whole = samples[:, : count * frame].reshape(len(samples), count, frame) * window
    spectra = np.fft.fftshift(fft.fft(whole, axis=2), axes=2)
    power: F64 = np.asarray(np.mean(spectra.real**2 + spectra.imag**2, axis=0, dtype=np.float64))
    offset = np.fft.fftshift(np.fft.fftfreq(frame, 1.0 / rate_hz))
    return Tiles(spectra, power, np.asarray(offset, dtype=np.float64), frame, rate_hz)


@lru_cache(maxsize=64)
def thresholds(freedom: float) -> tuple[float, float, float]:
    """Return the noise's quantile and the two thresholds, over the mean of a cell of ``freedom`` independent tiles."""
    quantile = float(stats.gamma.ppf(QUANTILE, freedom))
    sure, grown = (float(stats.gamma.isf(p, freedom)) for p in (FALSE_ALARM, GROW_FALSE_ALARM))
    return quantile / freedom, sure / freedom, grown / freedom


def find_signals(t: Tiles) -> list[Signal]:
    """Return what stands out of the noise, by frequency, the strongest MAX_SIGNALS of it."""
    cells = _cells(t.power)
    quantile, sure, grown = thresholds(len(t.spectra) * BLOCK * INDEPENDENT_BINS)
    noise = float(np.quantile(cells, QUANTILE)) / quantile
    if noise <= 0.0:
        return []
    high, low = cells > sure * noise, cells > grown * noise
    low = ndimage.binary_closing(low, np.ones((1, GAP_BINS))) | low
    labels, _ = ndimage.label(low, np.ones((3, 3)))
    wanted = np.unique(labels[high])
    masks = [labels == k for k in wanted[wanted > 0]]
    found = [s for mask in _joined(masks) if (s := _signal(t, cells, mask, noise)) is not None]
    found = _without_parts(t, cells, sorted(found, key=lambda s: s.low_hz), noise)
    found = sorted(found, key=lambda s: -s.snr_db - 10.0 * np.log10(s.bandwidth_hz))[:MAX_SIGNALS]
    return sorted(found, key=lambda s: s.low_hz)


def _cells(power: F64) -> F64:
    blocks = len(power) // BLOCK
    averaged = power[: blocks * BLOCK].reshape(blocks, BLOCK, -1).mean(axis=1)
    return np.asarray(ndimage.uniform_filter1d(averaged, CHANNEL, axis=1, mode="wrap"))


def _joined(masks: list[BOOL]) -> list[BOOL]:
    """Join bursts of one channel: masks whose bands overlap by SAME_SHARE of the narrower one."""
    out: list[BOOL] = []
    for mask in sorted(masks, key=lambda m: -int(m.sum())):
        band = mask.any(axis=0)
        for k, other in enumerate(out):
            theirs = other.any(axis=0)
            if np.count_nonzero(band & theirs) >= SAME_SHARE * min(band.sum(), theirs.sum()):
                out[k] = other | mask
                break
        else:
            out.append(mask)
    return out


def _without_parts(t: Tiles, cells: F64, signals: list[Signal], noise: float) -> list[Signal]:
    """Join neighbours (sorted by frequency) that are close, on together, and from one direction as far as told."""
    out: list[Signal] = []
    for signal in signals:
        if out and _belong(t, out[-1], signal):
            a = out.pop()
            mask = np.zeros(cells.shape, dtype=np.bool_)
            mask[np.ix_(a.blocks | signal.blocks, np.arange(a.bins[0], max(a.bins[1], signal.bins[1])))] = True
            mask &= cells > noise
            signal = _signal(t, cells, mask, noise) or signal
        out.append(signal)
    return out


def _belong(t: Tiles, a: Signal, b: Signal) -> bool:
    gap_hz = b.low_hz - a.high_hz
    together = np.count_nonzero(a.blocks & b.blocks) >= TOGETHER_SHARE * np.count_nonzero(a.blocks | b.blocks)
    if gap_hz > BESIDE_SHARE * max(a.bandwidth_hz, b.bandwidth_hz) or not together:
        return False
    if len(t.spectra) < 2:
        return True
    first, second = (np.linalg.eigh(covariance(t, s)[0])[1][:, -1] for s in (a, b))
    return bool(np.abs(first.conj() @ second) >= ALIKE)


def _signal(t: Tiles, cells: F64, mask: BOOL, noise: float) -> Signal | None:
    """Measure one component; None where nothing is left inside its edges."""
    excess = np.where(mask, cells - noise, 0.0)
    spectrum = excess.sum(axis=0)
    loud = spectrum >= 10.0 ** (-EDGE_DB / 10.0) * float(np.quantile(spectrum[spectrum > 0.0], 0.9))
    bins = np.flatnonzero(loud & mask.any(axis=0))
    if not len(bins):
        return None
    lowest, highest = int(bins[0]), int(bins[-1]) + 1
    inside = excess[:, lowest:highest].sum(axis=1)
    blocks = inside >= 10.0 ** (-EDGE_DB / 10.0) * float(inside.max())
    on = np.flatnonzero(blocks)
    if not len(on):
        return None
    ratio = float(np.mean(cells[blocks, lowest:highest])) / noise - 1.0
    step, width = t.rate_hz / t.frame, t.frame * BLOCK
    return Signal(
        low_hz=float(t.offset_hz[lowest]) - 0.5 * step,
        high_hz=float(t.offset_hz[highest - 1]) + 0.5 * step,
        first=int(on[0]) * width,
        count=(int(on[-1]) + 1 - int(on[0])) * width,
        snr_db=10.0 * float(np.log10(max(ratio, 1e-3))),
        blocks=np.asarray(blocks, dtype=np.bool_),
        bins=(lowest, highest),
        noise=noise,
    )


def covariance(t: Tiles, signal: Signal) -> tuple[NDArray[np.complex128], float]:
    """Return the antennas' covariance (m, m) in the signal's tiles over the noise, and its independent samples."""
    frames = np.repeat(signal.blocks, BLOCK)
    picked = t.spectra[:, : len(frames)][:, frames, signal.bins[0] : signal.bins[1]].reshape(len(t.spectra), -1)
    return (picked @ picked.conj().T).astype(np.complex128) / (
        picked.shape[1] * signal.noise
    ), HANN_FREEDOM * picked.shape[1]
