"""The radio detector: energy where it is, no more false alarms than promised, bearings at their bound, recordings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from detectors.media import MediaError
from detectors.rf.bearing import cramer_rao, locate, steering
from detectors.rf.classifier import CLASSES, prepare
from detectors.rf.energy import covariance, find_signals, tiles
from detectors.rf.features import BINS, COLUMNS, CONTEXT, LAGS, LAGS_S, features
from detectors.rf.recording import C64, read_recording
from detectors.rf.scores import MISSED, figures
from messages.frames import F64
from sim.signals.emitters import Draw, band_noise, emitter, snapshot
from sim.signals.radio_array import antenna_places
from sim.signals.sigmf import SigmfWriter
from sim.signals.waveforms import ofdm

RATE_HZ = 80e6
PLACES = antenna_places(0.4)


def noise(seed: int, antennas: int, n: int = 40_000) -> C64:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((antennas, n)) + 1j * rng.standard_normal((antennas, n))
    return np.asarray(np.sqrt(0.5) * x, dtype=np.complex64)


def placed(base: F64 | C64, offset_hz: float, snr_db: float, bandwidth_hz: float, seed: int = 0) -> C64:
    """One antenna's samples of a unit-power signal that starts at once, over noise of unit power."""
    n = len(base)
    gain = np.sqrt(10.0 ** (snr_db / 10.0) * bandwidth_hz / RATE_HZ)
    turned = gain * base * np.exp(2j * np.pi * offset_hz / RATE_HZ * np.arange(n))
    return np.asarray(noise(seed, 1, 40_000) + np.pad(turned, (0, 40_000 - n)), dtype=np.complex64)


def test_a_signal_is_found_where_it_is_and_as_loud() -> None:
    rng = np.random.default_rng(1)
    x = placed(ofdm(10e6, 15e3, 0.07, 20_000, RATE_HZ, rng), 12e6, 10.0, 10e6)
    (signal,) = find_signals(tiles(x, RATE_HZ))
    # 90 % of the 10 MHz carry subcarriers; an edge falls into a channel of three bins, an end into a block of eight.
    assert signal.low_hz == pytest.approx(12e6 - 4.5e6, abs=4 * 156_250)
    assert signal.high_hz == pytest.approx(12e6 + 4.5e6, abs=4 * 156_250)
    assert signal.first == 0
    assert signal.count == pytest.approx(20_000, abs=8 * 512)
    assert signal.snr_db == pytest.approx(10.0, abs=1.0)


@pytest.mark.parametrize("antennas", [1, 7])
def test_noise_gives_no_signal(antennas: int) -> None:
    found = sum(len(find_signals(tiles(noise(seed, antennas), RATE_HZ))) for seed in range(20))
    # 1e-7 a cell, 9 blocks of 512 bins: 0.009 in all of 20 snapshots; one is a chance of 1 in 100.
    assert found <= 1


def test_the_noise_is_known_beside_a_video_of_half_the_band() -> None:
    rng = np.random.default_rng(2)
    wide = placed(ofdm(40e6, 15e3, 0.07, 40_000, RATE_HZ, rng), 0.0, 20.0, 40e6)
    (signal,) = find_signals(tiles(wide, RATE_HZ))
    assert signal.noise == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(("gap_hz", "count"), [(2e6, 1), (7e6, 2)])
def test_parts_beside_each_other_are_one_signal_where_the_gap_is_small(gap_hz: float, count: int) -> None:
    rng = np.random.default_rng(6)
    both = band_noise(10e6, 40_000, RATE_HZ, rng)
    beside = band_noise(3e6, 40_000, RATE_HZ, rng)
    shift = np.exp(2j * np.pi * (6.5e6 + gap_hz) / RATE_HZ * np.arange(40_000))
    x = placed(both + 0.6 * beside * shift, -10e6, 12.0, 10e6)
    assert len(find_signals(tiles(x, RATE_HZ))) == count


def test_parts_from_two_directions_are_two_signals() -> None:
    rng = np.random.default_rng(7)
    x = noise(2, 7).astype(np.complex128)
    for offset_hz, width_hz, azimuth in ((0.0, 10e6, 0.3), (8e6, 3e6, 1.5)):
        base = band_noise(width_hz, 40_000, RATE_HZ, rng) * np.exp(2j * np.pi * offset_hz / RATE_HZ * np.arange(40_000))
        x += np.outer(
            steering(PLACES, 2.44e9, np.array([[azimuth, 0.0]]))[0], base * np.sqrt(10.0 * width_hz / RATE_HZ)
        )
    assert len(find_signals(tiles(x.astype(np.complex64), RATE_HZ))) == 2


@pytest.mark.parametrize(("frequency_hz", "snr_db"), [(0.9e9, 0.0), (2.44e9, -10.0), (2.44e9, 10.0), (5.8e9, 10.0)])
def test_bearings_reach_the_bound_and_say_so(frequency_hz: float, snr_db: float) -> None:
    rng, snr, n = np.random.default_rng(5), 10.0 ** (snr_db / 10.0), 300
    errors, bounds, claimed = [], [], []
    for _ in range(60):
        direction = np.array([rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.0, 0.6)])
        answer = steering(PLACES, frequency_hz, direction[None])[0]
        source = np.sqrt(0.5 * snr) * (rng.standard_normal(n) + 1j * rng.standard_normal(n))
        x = np.outer(answer, source) + noise(int(rng.integers(1 << 30)), 7, n)
        bearing = locate(x @ x.conj().T / n, n, PLACES, frequency_hz)
        assert bearing is not None
        errors.append((bearing.azimuth_rad - direction[0] + np.pi) % (2.0 * np.pi) - np.pi)
        bounds.append(cramer_rao(PLACES, frequency_hz, direction, snr, n)[0, 0])
        claimed.append(bearing.azimuth_sigma_rad)
    rmse, bound = float(np.sqrt(np.mean(np.square(errors)))), float(np.sqrt(np.mean(bounds)))
    # Sixty errors: their RMS is known to 1 / sqrt(120), 9 %; four of that, and the threshold effect at -10 dB.
    assert 0.64 * bound <= rmse <= 1.5 * bound
    assert float(np.sqrt(np.mean(np.square(claimed)))) == pytest.approx(bound, rel=0.15)


def test_the_bound_is_that_of_the_textbook_circle() -> None:
    """A level circle of m antennas and radius r: |d|^2 = m (2 pi r / lambda)^2 / 2 in azimuth for a level source."""
    snr, n, frequency_hz = 2.0, 500.0, 2.44e9
    turn = 2.0 * np.pi * 0.2 * frequency_hz / 299_792_458.0
    fisher = 2.0 * n * snr * (7 * snr / (1.0 + 7 * snr)) * 7 * turn**2 / 2.0
    bound = cramer_rao(PLACES, frequency_hz, np.array([0.3, 0.0]), snr, n)
    assert bound[0, 0] == pytest.approx(1.0 / fisher, rel=1e-3)


def test_one_antenna_and_noise_give_no_bearing() -> None:
    assert locate(np.eye(1, dtype=np.complex128), 100.0, PLACES[:1], 2.44e9) is None
    x = noise(3, 7, 20_000).astype(np.complex128)
    assert locate(x @ x.conj().T / 20_000, 20_000.0, PLACES, 2.44e9) is None


def test_bearings_of_simulated_emitters_keep_the_promise() -> None:
    """1.5 times the bound and 2 degrees; the echoes of these emitters come from the emitter's own direction."""
    errors, bounds = [], []
    for k in range(15):
        shot = snapshot(CLASSES[k % 5], "held_out", 10.0, np.random.default_rng(k), RATE_HZ, PLACES)
        found = tiles(shot.samples, RATE_HZ)
        for signal in find_signals(found)[:1]:
            matrix, independent = covariance(found, signal)
            bearing = locate(matrix, independent, PLACES, shot.tuned_hz + signal.middle_hz)
            assert bearing is not None
            errors.append((bearing.azimuth_rad - shot.azimuth_rad + np.pi) % (2.0 * np.pi) - np.pi)
            direction = np.array([shot.azimuth_rad, shot.elevation_rad])
            bounds.append(cramer_rao(PLACES, shot.frequency_hz, direction, 10.0, independent)[0, 0])
    assert len(errors) >= 14
    assert np.sqrt(np.mean(np.square(errors))) <= 1.5 * np.sqrt(np.mean(bounds)) + np.radians(2.0)


def test_the_cyclic_prefix_stands_up_after_the_useful_symbol() -> None:
    edges = np.geomspace(*LAGS_S, LAGS + 1)
    for spacing_hz, guard in ((15e3, 0.07), (312.5e3, 0.25)):
        x = placed(ofdm(18e6, spacing_hz, guard, 40_000, RATE_HZ, np.random.default_rng(4)), 5e6, 15.0, 18e6)
        (signal,) = find_signals(tiles(x, RATE_HZ))
        picture, context = features(x[0], signal, RATE_HZ)
        assert picture.shape == (1, BINS, COLUMNS)
        assert context.shape == (CONTEXT,)
        peak = int(np.argmax(context[10:LAGS])) + 10  # the first lags are those of the band's own shape
        assert edges[peak] * 0.95 <= 1.0 / spacing_hz <= edges[peak + 1] * 1.05


def test_families_of_emitters_share_no_bandwidth() -> None:
    widths = {
        family: np.array(
            [emitter("ofdm_video", Draw(family, np.random.default_rng(k))).bandwidth_hz for k in range(300)]
        )
        for family in ("training", "held_out")
    }
    slices = {f: np.floor(8 * np.log(w / 8e6) / np.log(36 / 8)).astype(int) for f, w in widths.items()}
    assert set(slices["training"]) == {0, 2, 4, 6}
    assert set(slices["held_out"]) == {1, 3, 5, 7}


def test_the_same_seed_gives_the_same_emitter_and_features() -> None:
    one, two = (snapshot("other", "training", 5.0, np.random.default_rng(9), 40e6) for _ in range(2))
    assert np.array_equal(one.samples, two.samples)
    a, b = (prepare(s.samples, 40e6, s.tuned_hz, None) for s in (one, two))
    assert [p.context.tobytes() for p in a] == [p.context.tobytes() for p in b]
    assert a


def test_what_was_not_found_counts_as_missed() -> None:
    label = np.array([0, 1, 2, 3, 4])
    table = figures(label, np.eye(5), np.array([True, True, True, True, False]))
    assert table["confusion"][4][MISSED] == 1
    assert table["macro_f1"] == pytest.approx(0.8)


def write(folder: Path, samples: C64, name: str = "RF_001") -> Path:
    with SigmfWriter(folder / name, len(samples), RATE_HZ) as writer:
        writer.write(samples, 2.44e9, {"vedette:t_s": 1.0})
    return folder / f"{name}.sigmf-meta"


def test_a_recording_is_cut_into_snapshots_of_half_a_millisecond(tmp_path: Path) -> None:
    x = noise(1, 2, 101_000)
    recording = read_recording(write(tmp_path, x))
    shots = list(recording.snapshots())
    assert [s.samples.shape[1] for s in shots] == [40_000, 40_000, 21_000]
    assert np.array_equal(np.concatenate([s.samples for s in shots], axis=1), x)
    assert shots[0].t_ns == 1_000_250_000
    assert [s.first for s in shots] == [0, 40_000, 80_000]


def test_a_dead_antenna_is_silent(tmp_path: Path) -> None:
    x = noise(1, 2)
    x[1] = 0.0
    (shot,) = read_recording(write(tmp_path, x)).snapshots()
    assert shot.condition == "silent"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"core:sample_rate": 1e3}, "core:sample_rate = 1000 Hz"),
        ({"core:datatype": "rf64"}, "core:datatype = rf64"),
        ({"core:num_channels": 0}, "core:num_channels = 0"),
        ({"core:num_channels": 3}, "must be a multiple of 24"),
        ({"core:sha512": "0" * 128}, "is not what core:sha512"),
        ({"vedette:antennas_m": [[0, 0, 0]]}, "vedette:antennas_m"),
    ],
)
def test_metadata_that_cannot_be_used_are_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    path = write(tmp_path, noise(1, 2, 4000))
    meta = json.loads(path.read_text(encoding="utf-8"))
    meta["global"].update(change)
    path.write_text(json.dumps(meta), encoding="utf-8")
    with pytest.raises(MediaError, match=said):
        read_recording(path)


def test_files_that_are_missing_or_damaged_are_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such"):
        read_recording(tmp_path / "none.sigmf-meta")
    path = write(tmp_path, noise(1, 1, 4000))
    path.write_text("{", encoding="utf-8")
    with pytest.raises(MediaError, match="not JSON"):
        read_recording(path)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(MediaError, match="not SigMF metadata"):
        read_recording(path)
