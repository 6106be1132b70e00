"""An ensemble of trained networks as one ONNX graph: the members side by side in grouped convolutions.

The mean of the members' logits is one matrix product, the calibration a multiplication and an addition inside the
graph, so that what the model says needs no table beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from detectors.acoustic.features import BANDS, F32, STATISTICS
from detectors.scores import Calibration
from detectors.training.acoustic_network import CHANNELS, KERNELS, STRIDE, Weights

OPSET = 17
IR_VERSION = 8  # the oldest that holds opset 17
INPUT, OUTPUT = "statistics", "probabilities"
EPSILON = 1e-5  # torch's BatchNorm1d


def ensemble_bytes(members: Sequence[Weights], calibration: Calibration) -> bytes:
    """Return the ONNX model: (n, STATISTICS, BANDS) to probabilities (n, 2) of background and drone."""
    constants: dict[str, F32] = {}
    nodes = [
        *_scaled(members, constants),
        *_convolutions(members, constants),
        *_judged(members, calibration, constants),
    ]
    graph = helper.make_graph(
        nodes,
        "acoustic",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", len(STATISTICS), BANDS])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(np.ascontiguousarray(v, dtype=np.float32), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, producer_name="vedette", opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _affine(weights: Weights, name: str) -> tuple[F32, F32]:
    """Return scale and offset of a batch normalisation in use."""
    scale = weights[f"{name}.weight"] / np.sqrt(weights[f"{name}.running_var"] + EPSILON)
    return scale, weights[f"{name}.bias"] - weights[f"{name}.running_mean"] * scale


def _scaled(members: Sequence[Weights], constants: dict[str, F32]) -> list[onnx.NodeProto]:
    """Repeat the input for each member and scale it: (n, members * STATISTICS, BANDS)."""
    pairs = [_affine(w, "scale") for w in members]
    constants["input_scale"] = np.concatenate([scale for scale, _ in pairs])[None, :, None]
    constants["input_offset"] = np.concatenate([offset for _, offset in pairs])[None, :, None]
    return [
        helper.make_node("Concat", [INPUT] * len(members), ["repeated"], axis=1),
        helper.make_node("Mul", ["repeated", "input_scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "input_offset"], ["layer0"]),
    ]


def _convolutions(members: Sequence[Weights], constants: dict[str, F32]) -> list[onnx.NodeProto]:
    nodes = []
    for k, kernel in enumerate(KERNELS):
        kernels, offsets = [], []
        for w in members:
            scale, offset = _affine(w, f"layers.{3 * k + 1}")
            kernels.append(w[f"layers.{3 * k}.weight"] * scale[:, None, None])
            offsets.append(offset)
        constants[f"kernel{k}"], constants[f"bias{k}"] = np.concatenate(kernels), np.concatenate(offsets)
        nodes += [
            helper.make_node(
                "Conv",
                [f"layer{k}", f"kernel{k}", f"bias{k}"],
                [f"sum{k}"],
                group=len(members),
                kernel_shape=[kernel],
                strides=[STRIDE],
                pads=[kernel // 2, kernel // 2],
            ),
            helper.make_node("Relu", [f"sum{k}"], [f"layer{k + 1}"]),
        ]
    return nodes


def _judged(members: Sequence[Weights], calibration: Calibration, constants: dict[str, F32]) -> list[onnx.NodeProto]:
    """Mean and maximum over the bands, the members' mean logit, calibrated, as two probabilities."""
    last, count = f"layer{len(KERNELS)}", CHANNELS[-1]
    judges = [w["judge.1.weight"][0] for w in members]
    column = np.concatenate([j[:count] for j in judges] + [j[count:] for j in judges]) / len(members)
    bias = float(np.mean([w["judge.1.bias"][0] for w in members]))
    # sigmoid(-z), sigmoid(z): one row of signs makes both.
    signs = np.array([[-1.0, 1.0]], dtype=np.float32)
    constants["judge"] = np.asarray(column[:, None] * calibration.scale * signs, dtype=np.float32)
    constants["judge_bias"] = np.float32(bias * calibration.scale + calibration.offset) * signs[0]
    return [
        helper.make_node("ReduceMean", [last], ["mean"], axes=[2], keepdims=0),
        helper.make_node("ReduceMax", [last], ["maximum"], axes=[2], keepdims=0),
        helper.make_node("Concat", ["mean", "maximum"], ["pooled"], axis=1),
        helper.make_node("Gemm", ["pooled", "judge", "judge_bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], [OUTPUT]),
    ]
