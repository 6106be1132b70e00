"""ONNX models written by hand, byte by byte: what the tests of the runtime need, with no library that reads them."""

from __future__ import annotations

import struct

FLOAT = 1  # TensorProto.DataType


def number(field: int, value: int) -> bytes:
    """A field that holds an integer."""
    return varint(field << 3) + varint(value)


def part(field: int, value: bytes | str) -> bytes:
    """A field that holds bytes, text or a message."""
    raw = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def varint(value: int) -> bytes:
    """An integer in base 128, lowest digit first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def value_info(name: str, *shape: int) -> bytes:
    """The type of an input or output: float32 of a shape."""
    dims = b"".join(part(1, number(1, n)) for n in shape)
    return part(1, name) + part(2, part(1, number(1, FLOAT) + part(2, dims)))


def tensor(name: str, values: list[float], extra: bytes = b"") -> bytes:
    """A float32 vector as an initialiser."""
    return (
        number(1, len(values))
        + number(2, FLOAT)
        + part(8, name)
        + part(9, struct.pack(f"<{len(values)}f", *values))
        + extra
    )


def node(operator: str, inputs: list[str], output: str, domain: str = "") -> bytes:
    """One operator of one output."""
    return (
        b"".join(part(1, i) for i in inputs)
        + part(2, output)
        + part(4, operator)
        + (part(7, domain) if domain else b"")
    )


def model(nodes: list[bytes], initialisers: list[bytes], n: int = 3, opset: int = 17, extra: bytes = b"") -> bytes:
    """A whole model with input ``x`` and output ``y``, both (n,)."""
    graph = b"".join(part(1, made) for made in nodes) + part(2, "made")
    graph += b"".join(part(5, made) for made in initialisers)
    graph += part(11, value_info("x", n)) + part(12, value_info("y", n))
    return number(1, 8) + part(7, graph) + part(8, number(2, opset)) + extra


def adding(values: list[float]) -> bytes:
    """y = x + values."""
    return model([node("Add", ["x", "c"], "y")], [tensor("c", values)], len(values))


def logarithm() -> bytes:
    """y = log(x): not finite where x is not positive."""
    return model([node("Log", ["x"], "y")], [])
