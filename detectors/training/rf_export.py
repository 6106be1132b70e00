"""The trained network of the emitter classifier as an ONNX graph, normalisations folded in, temperature and all."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from detectors.rf.classifier import CLASSES, INPUTS, OUTPUT, SHAPES
from detectors.rf.features import F32
from detectors.training.acoustic_export import EPSILON, IR_VERSION, OPSET
from detectors.training.rf_network import CHANNELS, KERNEL, PAD, STRIDE, Weights


def model_bytes(weights: Weights, scale: float) -> bytes:
    """Return the ONNX model: spectrograms and contexts to probabilities; logits are multiplied by ``scale``."""
    constants: dict[str, F32] = {}
    nodes = [*_seen(weights, constants), *_beside(weights, constants), *_judged(weights, scale, constants)]
    graph = helper.make_graph(
        nodes,
        "rf",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *SHAPES[name]]) for name in INPUTS],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", len(CLASSES)])],
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


def _seen(weights: Weights, constants: dict[str, F32]) -> list[onnx.NodeProto]:
    """Convolutions with their normalisation, then mean and maximum over the picture."""
    nodes, before = [], INPUTS[0]
    for k in range(len(CHANNELS)):
        scale, constants[f"bias{k}"] = _affine(weights, f"layers.{3 * k + 1}")
        constants[f"kernel{k}"] = weights[f"layers.{3 * k}.weight"] * scale[:, None, None, None]
        nodes += [
            helper.make_node(
                "Conv",
                [before, f"kernel{k}", f"bias{k}"],
                [f"sum{k}"],
                kernel_shape=[KERNEL] * 2,
                strides=[STRIDE] * 2,
                pads=[PAD] * 4,
            ),
            helper.make_node("Relu", [f"sum{k}"], [f"layer{k}"]),
        ]
        before = f"layer{k}"
    return [
        *nodes,
        helper.make_node("ReduceMean", [before], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("ReduceMax", [before], ["maximum"], axes=[2, 3], keepdims=0),
    ]


def _beside(weights: Weights, constants: dict[str, F32]) -> list[onnx.NodeProto]:
    scale, offset = _affine(weights, "scale")
    matrix, bias = weights["beside.0.weight"], weights["beside.0.bias"]
    constants["beside"], constants["beside_bias"] = (matrix * scale).T, bias + matrix @ offset
    return [
        helper.make_node("Gemm", [INPUTS[1], "beside", "beside_bias"], ["beside_sum"]),
        helper.make_node("Relu", ["beside_sum"], ["beside_seen"]),
        helper.make_node("Concat", ["mean", "maximum", "beside_seen"], ["seen"], axis=1),
    ]


def _judged(weights: Weights, scale: float, constants: dict[str, F32]) -> list[onnx.NodeProto]:
    constants["mixed"], constants["mixed_bias"] = weights["mixed.0.weight"].T, weights["mixed.0.bias"]
    constants["judge"], constants["judge_bias"] = scale * weights["judge.weight"].T, scale * weights["judge.bias"]
    return [
        helper.make_node("Gemm", ["seen", "mixed", "mixed_bias"], ["mixed_sum"]),
        helper.make_node("Relu", ["mixed_sum"], ["mixed_seen"]),
        helper.make_node("Gemm", ["mixed_seen", "judge", "judge_bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], [OUTPUT], axis=1),
    ]
