"""What an ONNX file asks for, read from its bytes before any runtime opens it.

The file is a protocol buffer (onnx.proto3, IR version 8). Of its fields only those that reach outside the file are
walked: operator domains, functions, external data and the operator set; everything else is skipped by its length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MAX_DEPTH = 16  # graphs inside attributes inside graphs; an honest model has two or three
STANDARD_DOMAINS = ("", "ai.onnx")
OPSETS = (13, 18)  # what every runtime of the last years reads; we write 17
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers
MAX_VARINT_BYTES = 10

# onnx.proto3: message -> {field number: message of that field}
CHILDREN: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 8: "Opset", 20: "Training", 25: "Function"},
    "Training": {},
    "Graph": {1: "Node", 5: "Tensor", 15: "Sparse"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "Sparse", 23: "Sparse"},
    "Sparse": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
    "Opset": {},
    "Function": {},
}
NODE_OPERATOR, NODE_DOMAIN = 4, 7
OPSET_DOMAIN, OPSET_VERSION = 1, 2
TENSOR_EXTERNAL_DATA, TENSOR_DATA_LOCATION = 13, 14


class OnnxFault(ValueError):
    """The bytes are no ONNX model, or one that asks for what we refuse; the text says what."""


class Summary(NamedTuple):
    """What a model is made of: operator set of the standard domain, and how many nodes it has."""

    opset: int
    nodes: int


def inspect(data: bytes) -> Summary:
    """Walk a model's bytes and return its summary.

    Raises OnnxFault for truncated or foreign bytes, external data, custom operators, functions and unknown opsets.
    """
    opsets: list[int] = []
    nodes = 0
    for message, fields in _walk(memoryview(data), "Model", 0):
        if message in ("Function", "Training"):
            raise OnnxFault(f"holds a {message.lower()}: must be operators of the standard set alone")
        if message == "Node":
            nodes += 1
            _refuse_foreign_operator(fields)
        elif message == "Tensor":
            _refuse_external_data(fields)
        elif message == "Opset":
            opsets += [_opset(fields)]
    if not nodes or not opsets:
        raise OnnxFault("holds no graph with an operator set: not an ONNX model")
    return Summary(opsets[0], nodes)


Fields = list[tuple[int, int | memoryview]]


def _walk(data: memoryview, message: str, depth: int) -> Iterator[tuple[str, Fields]]:
    """Yield a message and everything in it that CHILDREN names, each with its fields."""
    if depth > MAX_DEPTH:
        raise OnnxFault(f"depth = {depth}: graphs must be nested at most {MAX_DEPTH} deep")
    fields = list(_fields(data))
    yield message, fields
    for number, value in fields:
        child = CHILDREN[message].get(number)
        if child is not None:
            if not isinstance(value, memoryview):
                raise OnnxFault(f"field {number} of {message} is a number: not an ONNX model")
            yield from _walk(value, child, depth + 1)


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (field number, value) of one message; a value of known length is a view of its bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0 or kind not in (VARINT, FIXED64, LENGTH, FIXED32):
            raise OnnxFault(f"wire type {kind} of field {number}: not an ONNX model, or damaged")
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        length, at = _varint(data, at) if kind == LENGTH else (8 if kind == FIXED64 else 4, at)
        if length > len(data) - at:
            raise OnnxFault(f"ends {length - (len(data) - at)} bytes early: truncated; copy the model again")
        yield number, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for i in range(MAX_VARINT_BYTES):
        if at + i >= len(data):
            raise OnnxFault("ends inside a number: truncated; copy the model again")
        byte = data[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value, at + i + 1
    raise OnnxFault("a number of more than 10 bytes: not an ONNX model, or damaged")


def _text(fields: Fields, wanted: int) -> str:
    found = [bytes(v) for number, v in fields if number == wanted and isinstance(v, memoryview)]
    return found[-1].decode("utf-8", errors="replace") if found else ""


def _refuse_foreign_operator(fields: Fields) -> None:
    domain = _text(fields, NODE_DOMAIN)
    if domain not in STANDARD_DOMAINS:
        operator = _text(fields, NODE_OPERATOR)
        raise OnnxFault(f"custom operator {domain}::{operator}: must be operators of the standard set alone")


def _refuse_external_data(fields: Fields) -> None:
    outside = any(n == TENSOR_EXTERNAL_DATA for n, _ in fields)
    if outside or any(n == TENSOR_DATA_LOCATION and v != 0 for n, v in fields):
        raise OnnxFault("external data: weights must be inside the file, whose bytes alone are checked")


def _opset(fields: Fields) -> int:
    domain = _text(fields, OPSET_DOMAIN)
    if domain not in STANDARD_DOMAINS:
        raise OnnxFault(f"operator set {domain}: must be the standard set alone")
    version = next((v for n, v in fields if n == OPSET_VERSION and isinstance(v, int)), 0)
    if not OPSETS[0] <= version <= OPSETS[1]:
        raise OnnxFault(f"opset = {version}: must be within {OPSETS[0]}..{OPSETS[1]}; export the model again")
    return version
