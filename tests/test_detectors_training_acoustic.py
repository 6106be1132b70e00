"""Training: folds that leak nothing, made windows that stay windows, and a model that says what was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sound_maker
import yaml

from detectors.acoustic.features import BANDS, FRAMES, STATISTICS, statistics
from detectors.acoustic.folder import read_clips
from detectors.media import MediaError
from detectors.scores import Calibration
from detectors.training.acoustic_augment import Augmentation, made_batch
from detectors.training.acoustic_data import FOLDS, TrainingData, folds, prepare, shared_sound
from detectors.training.acoustic_folds import HeldOut, classical, judge, with_memory


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound_maker.write_data_set(tmp_path_factory.mktemp("data"), FOLDS, 2.0)


@pytest.fixture(scope="module")
def data(folder: Path) -> TrainingData:
    return prepare(read_clips(folder)[0])


def test_folds_are_blocks_of_numbers_for_both_classes() -> None:
    numbers = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 1, 20, 5])
    found = folds(numbers)
    assert found.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 0, 4, 2]


def test_a_clip_cut_from_a_held_out_recording_is_not_trained_on() -> None:
    long = sound_maker.rotor(1, 6.0)
    sounds = [long[:66_150], long[44_100:110_250], sound_maker.rotor(2, 3.0), sound_maker.noise(3, 3.0), long[88_200:]]
    kin = shared_sound([s.astype(np.float32) for s in sounds])
    # 0 and 1 share a second, 1 and 4 a second; 0 and 4 are kin by way of 1.
    assert np.argwhere(np.triu(kin, 1)).tolist() == [[0, 1], [0, 4], [1, 4]]


def test_training_clips_are_neither_held_out_nor_kin(data: TrainingData) -> None:
    kin = data.kin.copy()
    kin[0, 3] = kin[3, 0] = True
    tied = TrainingData(data.names, data.powers, data.windows, data.drone, data.fold, kin)
    for fold in range(FOLDS):
        chosen = tied.training_clips(fold)
        assert not np.isin(chosen, np.flatnonzero(tied.fold == fold)).any()
        assert (0 in chosen) == (fold not in (tied.fold[0], tied.fold[3]))


def test_made_windows_are_finite_labelled_and_the_same_for_the_same_seed(data: TrainingData) -> None:
    clips, backgrounds = np.arange(len(data.names)), np.flatnonzero(~data.drone)
    one, two = (made_batch(data, clips, backgrounds, Augmentation(), np.random.default_rng(5)) for _ in range(2))
    assert one[0].shape == (len(clips), len(STATISTICS), BANDS)
    assert np.isfinite(one[0]).all()
    assert ((one[1] >= 0.0) & (one[1] <= 1.0)).all()
    assert np.array_equal(one[0], two[0])
    assert np.array_equal(one[1], two[1])
    assert not np.array_equal(one[0], made_batch(data, clips, backgrounds, Augmentation(), np.random.default_rng(6))[0])


def test_without_augmentation_a_made_window_is_a_recorded_one(data: TrainingData) -> None:
    none = Augmentation(shift_bands=0, mix_share=0.0, wind_share=0.0, filter_share=0.0, mask_share=0.0)
    x, label = made_batch(data, np.array([0]), np.array([0]), none, np.random.default_rng(0))
    power = data.powers[0]
    recorded = statistics(np.stack([power[:, k : k + FRAMES] for k in range(power.shape[1] - FRAMES + 1)]))
    assert label.tolist() == [float(data.drone[0])]
    assert np.abs(recorded - x).max(axis=(1, 2)).min() < 1e-3


def held_out(scale: float) -> HeldOut:
    """Ten clips of ten windows; logits that are right for scale 1."""
    rng = np.random.default_rng(3)
    clip = np.repeat(np.arange(100), 10)
    true_logit = rng.normal(0.0, 2.0, len(clip))
    drone = rng.random(len(clip)) < 1.0 / (1.0 + np.exp(-true_logit))
    return HeldOut(clip, clip // 20, drone, scale * true_logit, np.where(drone, 8.0, 2.0) + rng.normal(size=len(clip)))


def test_each_fold_is_calibrated_by_the_others() -> None:
    h = held_out(4.0)
    verdict = judge(h.logit, h)
    assert verdict.calibration.scale == pytest.approx(0.25, rel=0.2)
    # Had fold 0 a part in its own calibration, turning its labels round would change what is said of it.
    inside = h.fold == 0
    turned = HeldOut(h.clip, h.fold, np.where(inside, ~h.drone, h.drone), h.logit, h.comb_db)
    assert np.array_equal(judge(turned.logit, turned).probability[inside], verdict.probability[inside])
    assert not np.array_equal(judge(turned.logit, turned).probability[~inside], verdict.probability[~inside])


def test_the_comb_is_judged_with_a_threshold_of_other_folds() -> None:
    h = held_out(1.0)
    claims = classical(h, h.comb_db)
    assert np.mean(claims == h.drone) > 0.98  # 3 sigma on either side of the middle
    inside = h.fold == 2
    lowered = h.comb_db - 100.0 * inside
    assert not classical(h, lowered)[inside].any()


def test_memory_starts_anew_with_each_clip() -> None:
    h = HeldOut(
        np.array([0, 0, 1, 1]), np.zeros(4, np.int64), np.ones(4, bool), np.array([4.0, 0.0, -2.0, 0.0]), np.zeros(4)
    )
    assert with_memory(h.logit, h).tolist() == [4.0, 2.0, -2.0, -1.0]


def test_too_few_clips_are_named(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="make train installs torch")
    pytest.importorskip("onnx", reason="make train installs onnx")
    from detectors.training.acoustic import Plan, train

    few = sound_maker.write_data_set(tmp_path / "few", 2, 1.5)
    with pytest.raises(MediaError, match="4 clips: must be at least 5 of each class"):
        train(Plan(few, tmp_path))


def test_the_model_says_what_the_networks_say(data: TrainingData) -> None:
    pytest.importorskip("torch", reason="make train installs torch")
    pytest.importorskip("onnx", reason="make train installs onnx")
    from detectors.manifest import checked_model
    from detectors.session import Session
    from detectors.training.acoustic_export import ensemble_bytes
    from detectors.training.acoustic_network import Settings, logits, train_member

    clips = np.arange(len(data.names))
    members = [train_member(data, clips, Settings(steps=8), (1, k)) for k in range(3)]
    calibration = Calibration(0.7, -0.3)
    session = Session(checked_model("made", Path("made.onnx"), ensemble_bytes(members, calibration), ""))
    x = statistics(np.concatenate(data.windows))
    said = session.run({"statistics": x})["probabilities"]
    expected = calibration.probability(np.mean([logits(w, x) for w in members], axis=0))
    assert np.allclose(said[:, 1], expected, atol=1e-5)
    assert np.allclose(said.sum(axis=1), 1.0, atol=1e-6)


def test_an_interrupted_training_goes_on_to_the_same_model(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="make train installs torch")
    pytest.importorskip("onnx", reason="make train installs onnx")
    from detectors.training.acoustic import Plan, train
    from detectors.training.acoustic_network import Settings

    settings = Settings(steps=6, batch=8)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    card = train(Plan(folder, whole, members=2, settings=settings))

    def stop(done: int, total: int, what: str) -> None:
        if done >= total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(Plan(folder, broken, members=2, settings=settings), stop)
    assert not (broken / "model.onnx").exists()
    trained: list[int] = []
    train(
        Plan(folder, broken, members=2, settings=settings, resume=True), lambda done, total, what: trained.append(done)
    )
    assert len(trained) < (FOLDS + 1) * 2 * settings.steps
    for name in ("model.onnx", "card.yaml"):
        assert (whole / name).read_bytes() == (broken / name).read_bytes()
    assert yaml.safe_load((whole / "card.yaml").read_text(encoding="utf-8")) == card
    with pytest.raises(MediaError, match="other clips, seed or settings"):
        train(Plan(folder, broken, seed=1, members=2, settings=settings, resume=True))
