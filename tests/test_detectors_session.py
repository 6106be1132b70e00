"""Models: what may be loaded, from which bytes, where it runs, and what is said where it may not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx_maker as onnx
import pytest

from detectors import manifest, session
from detectors.manifest import Model, ModelError, checked_model, load_listed, manifest_bytes
from detectors.onnx_bytes import OnnxFault, inspect
from detectors.session import InferenceFault, Session

CPU = ("CPUExecutionProvider",)


def made(data: bytes) -> Model:
    return checked_model("made", Path("made.onnx"), data, "")


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, str]:
    """A folder with one listed model, and the pin of its manifest."""
    (tmp_path / "adder").mkdir()
    (tmp_path / "adder" / "model.onnx").write_bytes(onnx.adding([1.0, 2.0, 3.0]))
    (tmp_path / "adder" / "card.yaml").write_text("name: adder\n", encoding="utf-8")
    data = manifest_bytes(tmp_path)
    (tmp_path / "manifest.json").write_bytes(data)
    return tmp_path, hashlib.sha256(data).hexdigest()


def test_a_listed_model_runs_and_says_where(models: tuple[Path, str]) -> None:
    model = load_listed("adder", *models)
    runs = Session(model, threads=1, providers=CPU)
    runs.warm_up()
    assert runs.provider == "CPUExecutionProvider"
    assert runs.passed_over == []
    assert runs.run({"x": np.ones(3, np.float32)})["y"].tolist() == [2.0, 3.0, 4.0]
    assert model.card == "name: adder\n"
    assert runs.inputs[0].shape == (3,)


def test_providers_are_tried_in_order_and_what_was_passed_over_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that names CUDA but hands back the CPU is the silent fall-back; it must not pass for CUDA."""
    asked: list[str] = []
    genuine = session.onnxruntime.InferenceSession

    def falls_back(data: bytes, options: object, providers: list[str]) -> object:
        asked.extend(providers)
        return genuine(data, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(session.onnxruntime, "InferenceSession", falls_back)
    monkeypatch.setattr(session.onnxruntime, "get_available_providers", lambda: list(session.PROVIDERS[1:]))
    runs = Session(made(onnx.adding([0.0])))
    assert asked == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert runs.provider == "CPUExecutionProvider"
    assert [p.provider for p in runs.passed_over] == ["TensorrtExecutionProvider", "CUDAExecutionProvider"]
    assert "not in this build" in runs.passed_over[0].reason
    assert "CPUExecutionProvider instead" in runs.passed_over[1].reason
    assert "CUDAExecutionProvider passed over: the runtime gave" in runs.describe()


def test_a_provider_that_must_be_had_and_cannot_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(
        ModelError, match=r"cannot be opened on any provider \(CUDAExecutionProvider: not in this build"
    ):
        Session(made(onnx.adding([0.0])), providers=("CUDAExecutionProvider",))


@pytest.mark.parametrize(("threads", "providers"), [(0, CPU), (65, CPU), (1, ()), (1, ("NpuExecutionProvider",))])
def test_arguments_out_of_range_are_refused(threads: int, providers: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="must be"):
        Session(made(onnx.adding([0.0])), threads, providers)


def test_outputs_that_are_not_finite_are_a_fault() -> None:
    runs = Session(made(onnx.logarithm()), providers=CPU)
    assert np.allclose(runs.run({"x": np.full(3, np.e, np.float32)})["y"], 1.0, atol=1e-6)
    with pytest.raises(InferenceFault, match="made: output y is not finite"):
        runs.run({"x": np.zeros(3, np.float32)})


def test_inputs_of_another_shape_are_a_fault() -> None:
    with pytest.raises(InferenceFault, match="made"):
        Session(made(onnx.adding([1.0])), providers=CPU).run({"x": np.ones((2, 2), np.float32)})


def test_every_flipped_bit_is_refused(models: tuple[Path, str]) -> None:
    """Of manifest, model and card: a thousand flips, none loaded."""
    folder, pin = models
    rng = np.random.default_rng(6)
    for name in ("manifest.json", "adder/model.onnx", "adder/card.yaml"):
        path = folder / name
        whole = path.read_bytes()
        for bit in rng.integers(0, 8 * len(whole), 334).tolist():
            damaged = bytearray(whole)
            damaged[bit // 8] ^= 1 << bit % 8
            path.write_bytes(damaged)
            with pytest.raises(ModelError, match=path.name):
                load_listed("adder", folder, pin)
        path.write_bytes(whole)
    assert load_listed("adder", folder, pin).name == "adder"


def test_a_truncated_model_says_so(models: tuple[Path, str]) -> None:
    folder, pin = models
    path = folder / "adder" / "model.onnx"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ModelError, match=r"model\.onnx: size = \d+ bytes: must be \d+; truncated"):
        load_listed("adder", folder, pin)


def test_a_swapped_model_says_so(models: tuple[Path, str]) -> None:
    folder, pin = models
    (folder / "adder" / "model.onnx").write_bytes(onnx.adding([9.0, 9.0, 9.0]))
    with pytest.raises(ModelError, match=r"changed or swapped: not loaded"):
        load_listed("adder", folder, pin)


def test_what_runs_is_what_was_hashed_though_the_file_is_swapped_later(models: tuple[Path, str]) -> None:
    folder, pin = models
    model = load_listed("adder", folder, pin)
    (folder / "adder" / "model.onnx").write_bytes(onnx.adding([9.0, 9.0, 9.0]))
    assert Session(model, providers=CPU).run({"x": np.zeros(3, np.float32)})["y"].tolist() == [1.0, 2.0, 3.0]


def test_a_model_that_is_not_listed_or_not_there_is_named(models: tuple[Path, str]) -> None:
    folder, pin = models
    with pytest.raises(ModelError, match="no model 'subtracter'; listed are adder"):
        load_listed("subtracter", folder, pin)
    (folder / "adder" / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"model\.onnx: No such file"):
        load_listed("adder", folder, pin)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (onnx.model([onnx.node("Add", ["x", "c"], "y", "evil.domain")], []), "custom operator evil.domain::Add"),
        (
            onnx.model([onnx.node("Add", ["x", "c"], "y")], [onnx.tensor("c", [1.0], onnx.number(14, 1))]),
            "external data",
        ),
        (
            onnx.model(
                [onnx.node("Add", ["x", "c"], "y")], [onnx.tensor("c", [1.0], onnx.part(13, onnx.part(1, "location")))]
            ),
            "external data",
        ),
        (onnx.model([onnx.node("Add", ["x", "c"], "y")], [], extra=onnx.part(25, b"")), "holds a function"),
        (onnx.model([onnx.node("Add", ["x", "c"], "y")], [], opset=99), "opset = 99"),
        (
            onnx.model([onnx.node("Add", ["x", "c"], "y")], [], extra=onnx.part(8, onnx.part(1, "evil"))),
            "operator set evil",
        ),
        (b"", "no graph"),
        (b"RIFF....WAVEfmt ", "truncated"),
    ],
)
def test_what_reaches_outside_the_file_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        made(data)


def test_a_custom_operator_hides_in_no_inner_graph() -> None:
    inner = onnx.part(1, onnx.node("Add", ["x"], "z", "evil"))
    outer = onnx.node("If", ["x"], "y") + onnx.part(5, onnx.part(1, "then_branch") + onnx.part(6, inner))
    with pytest.raises(OnnxFault, match="custom operator evil::Add"):
        inspect(onnx.model([outer], []))


def test_graphs_nested_without_end_are_refused() -> None:
    graph = b""
    for _ in range(40):
        graph = onnx.part(1, onnx.node("If", ["x"], "y") + onnx.part(5, onnx.part(6, graph)))
    with pytest.raises(OnnxFault, match="nested"):
        inspect(onnx.part(7, graph))


def test_every_cut_of_a_model_is_a_named_fault_or_a_smaller_model() -> None:
    """The walker never fails in another way, and never calls a cut model with its last field torn whole."""
    whole = onnx.adding([1.0, 2.0, 3.0])
    assert inspect(whole) == (17, 1)
    for n in range(len(whole)):
        with pytest.raises(OnnxFault):
            inspect(whole[:n])


def test_the_models_that_come_with_vedette_are_those_that_were_pinned() -> None:
    listed = manifest.read_manifest(manifest.MODELS, manifest.MANIFEST_SHA256)
    assert (manifest.MODELS / "manifest.json").read_bytes() == manifest_bytes(manifest.MODELS)
    for name in listed:
        assert load_listed(name).name == name


def test_a_manifest_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    entry = {"file": "../x.onnx", "bytes": 3, "card": "c", "sha256": "0" * 64, "card_sha256": "0" * 64}
    data = json.dumps({"format": 1, "models": {"m": entry}}).encode()
    (tmp_path / "manifest.json").write_bytes(data)
    with pytest.raises(ModelError, match="leaves the folder"):
        load_listed("m", tmp_path, hashlib.sha256(data).hexdigest())
