"""Training the emitter classifier: the same seed the same model, and a model that says what the network says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors.rf.classifier import CLASSES, EmitterClassifier
from detectors.rf.features import BINS, COLUMNS, CONTEXT
from detectors.training.rf_data import Examples

pytest.importorskip("torch", reason="make train installs torch")
pytest.importorskip("onnx", reason="make train installs onnx")


def made(count: int, seed: int) -> Examples:
    """Classes that differ in the mean of one part of their features; the first example was not found."""
    rng = np.random.default_rng(seed)
    label = np.arange(count) % len(CLASSES)
    picture = rng.standard_normal((count, 1, BINS, COLUMNS)).astype(np.float32)
    context = rng.standard_normal((count, CONTEXT)).astype(np.float32)
    context[np.arange(count), 10 * label] += 6.0
    found = np.arange(count) > 0
    return Examples(picture, context, label, np.full(count, 10.0), found)


def test_the_same_seed_gives_the_same_files_and_the_model_learns(tmp_path: Path) -> None:
    from detectors.manifest import load_named
    from detectors.training.rf import Plan, train
    from detectors.training.rf_network import Settings

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        card = train(Plan(tmp_path / name, settings=Settings(epochs=20)), made(2000, 1), made(100, 2))
    for name in ("model.onnx", "card.yaml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    row = card["metrics_held_out"]["10 dB"]
    assert row["found"] == 0.99
    assert row["macro_f1"] >= 0.9  # classes six sigma apart
    classifier = EmitterClassifier(load_named(tmp_path / "one" / "model.onnx"))
    held_out = made(100, 2)
    said = classifier.probabilities(held_out.spectrogram, held_out.context).argmax(axis=1)
    told = sum(row["confusion"][k][k] for k in range(len(CLASSES)))
    assert np.count_nonzero((said == held_out.label) & held_out.found) == told


def test_the_model_says_what_the_network_says() -> None:
    from detectors.manifest import checked_model
    from detectors.session import Session
    from detectors.training.rf_export import model_bytes
    from detectors.training.rf_network import Settings, logits, train_network

    data = made(64, 3)
    weights = train_network(data, np.arange(64), Settings(epochs=2), 0, None)
    session = Session(checked_model("made", Path("made.onnx"), model_bytes(weights, 0.7), ""))
    said = session.run({"spectrogram": data.spectrogram, "context": data.context})["probabilities"]
    z = 0.7 * logits(weights, data, np.arange(64))
    expected = np.exp(z - z.max(axis=1, keepdims=True))
    assert np.allclose(said, expected / expected.sum(axis=1, keepdims=True), atol=1e-5)


def test_the_temperature_undoes_what_logits_claim_too_much() -> None:
    from detectors.training.rf import temperature

    rng = np.random.default_rng(4)
    z = rng.normal(0.0, 2.0, (4000, len(CLASSES)))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    label = np.array([rng.choice(len(CLASSES), p=row) for row in p])
    assert temperature(3.0 * z, label) == pytest.approx(1.0 / 3.0, rel=0.1)
