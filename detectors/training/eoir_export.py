"""A trained network as an ONNX graph, normalisation folded into the convolutions; float32, and int8 by calibration."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

from detectors.eoir.cells import CHANNELS, COLUMNS, ROWS
from detectors.eoir.detector import INPUT, OUTPUT
from detectors.eoir.stack import F32, HEIGHT_PX, PLANES, WIDTH_PX
from detectors.training.eoir_network import Weights

OPSET = 17
IR_VERSION = 8  # the oldest that holds opset 17
EPSILON = 1e-5  # torch's BatchNorm2d
JUDGE = "judge"
"""The last convolution stays in float32: one scale for logits and boxes alike would round the boxes away."""


class Graph:
    """Nodes and constants of a graph that is being written."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, F32] = {}

    def conv(self, name: str, x: str, stride: int = 1) -> str:
        """Append convolution, folded normalisation and rectifier; return the output's name."""
        w = self.weights
        scale = w[f"{name}.1.weight"] / np.sqrt(w[f"{name}.1.running_var"] + EPSILON)
        bias = w[f"{name}.1.bias"] - w[f"{name}.1.running_mean"] * scale
        self._convolution(name, x, w[f"{name}.0.weight"] * scale[:, None, None, None], bias, stride, f"{name}.sum")
        self.nodes.append(helper.make_node("Relu", [f"{name}.sum"], [f"{name}.out"], name=f"{name}.relu"))
        return f"{name}.out"

    def residual(self, name: str, x: str) -> str:
        """Append two convolutions beside the identity."""
        return self.add(name, x, self.conv(f"{name}.second", self.conv(f"{name}.first", x)))

    def add(self, name: str, a: str, b: str) -> str:
        """Append a sum."""
        self.nodes.append(helper.make_node("Add", [a, b], [f"{name}.added"], name=f"{name}.add"))
        return f"{name}.added"

    def doubled(self, name: str, x: str) -> str:
        """Append a doubling of rows and columns."""
        self.constants["doubling"] = np.array([1.0, 1.0, 2.0, 2.0], dtype=np.float32)
        node = helper.make_node(
            "Resize",
            [x, "", "doubling"],
            [f"{name}.doubled"],
            name=f"{name}.resize",
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        self.nodes.append(node)
        return f"{name}.doubled"

    def judge(self, x: str) -> None:
        """Append the last convolution."""
        self._convolution(JUDGE, x, self.weights["judge.weight"], self.weights["judge.bias"], 1, OUTPUT)

    def _convolution(self, name: str, x: str, kernel: F32, bias: F32, stride: int, out: str) -> None:
        self.constants[f"{name}.kernel"], self.constants[f"{name}.bias"] = kernel, bias
        side = kernel.shape[-1]
        node = helper.make_node(
            "Conv",
            [x, f"{name}.kernel", f"{name}.bias"],
            [out],
            name=name,
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[side // 2] * 4,
        )
        self.nodes.append(node)


def float_bytes(weights: Weights) -> bytes:
    """Return the ONNX model: planes (1, PLANES, HEIGHT_PX, WIDTH_PX) to cells (1, CHANNELS, ROWS, COLUMNS)."""
    g = Graph(weights)
    fine = g.residual("fine_block", g.conv("fine", g.conv("stem", INPUT, 2), 2))
    middle = g.residual("middle_block", g.conv("middle", fine, 2))
    coarse = g.residual("coarse_block", g.conv("coarse", middle, 2))
    middle = g.add("middle_sum", middle, g.doubled("from_coarse", g.conv("from_coarse", coarse)))
    fine = g.add("fine_sum", fine, g.doubled("from_middle", g.conv("from_middle", middle)))
    g.judge(g.conv("head", g.conv("merge", fine)))
    graph = helper.make_graph(
        g.nodes,
        "eo-ir",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, PLANES, HEIGHT_PX, WIDTH_PX])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, CHANNELS, ROWS, COLUMNS])],
        [numpy_helper.from_array(np.ascontiguousarray(v, dtype=np.float32), k) for k, v in g.constants.items()],
    )
    return _sealed(graph)


def int8_bytes(model: bytes, examples: Iterable[F32]) -> bytes:
    """Return the model with 8-bit weights (a scale a channel) and activations, their ranges those of ``examples``.

    ``examples`` are planes (PLANES, HEIGHT_PX, WIDTH_PX). Weights take 7 of the 8 bits: processors without VNNI add two
    products in 16 bits and would saturate.
    """
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        before.write_bytes(model)
        quantization.quantize_static(
            str(before),
            str(after),
            _Reader(examples),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=[JUDGE],
        )
        return _sealed(onnx.load(str(after)).graph)


def _sealed(graph: onnx.GraphProto) -> bytes:
    """Return the bytes of a checked model with one operator set, the same for the same graph."""
    model = helper.make_model(graph, producer_name="vedette", opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


class _Reader(quantization.CalibrationDataReader):
    """Hands example after example to the calibration."""

    def __init__(self, examples: Iterable[F32]) -> None:
        self._left: Iterator[F32] = iter(examples)

    def get_next(self) -> dict[str, F32] | None:
        """Return the next input, or None at the end."""
        planes = next(self._left, None)
        return None if planes is None else {INPUT: planes[None]}
