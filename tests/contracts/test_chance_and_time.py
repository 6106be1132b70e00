"""Randomness and time enter as arguments: nothing draws from a global generator or reads a clock where it may not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from source_tree import sources

CLOCK_READERS = ("vedette/", "edge_node/", "benchmarks/", "detectors/sources")
RANDOM_MODULES = {"random", "secrets", "uuid"}
ORDER_FREE = ("all", "any", "min", "max", "sorted", "set", "frozenset", "len")
# What numpy.random offers that is not a global generator: types, and the constructor that takes a seed.
SEEDED = {"default_rng", "Generator", "SeedSequence", "BitGenerator", "PCG64", "Philox"}
CLOCKS = {
    *(f"time.{name}{unit}" for name in ("time", "monotonic", "perf_counter", "process_time") for unit in ("", "_ns")),
    "time.clock_gettime",
    "time.clock_gettime_ns",
    "time.sleep",
    "time.localtime",
    "time.gmtime",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.date.today",
}


def random_uses(tree: ast.Module) -> list[str]:
    """Return the uses of a global or unseeded generator in a module."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in RANDOM_MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module] if node.module.split(".")[0] in RANDOM_MODULES else []
            if node.module == "numpy.random":
                found += [a.name for a in node.names if a.name not in SEEDED]
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("np.random", "numpy.random"):
            found += [ast.unparse(node)] if node.attr not in SEEDED else []
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("default_rng") and not node.args:
            found.append("default_rng() without a seed")
    return found


def clock_uses(tree: ast.Module) -> list[str]:
    """Return the clock reads of a module, under whatever name the function was imported."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            found += [f"time.{a.name}" for a in node.names if f"time.{a.name}" in CLOCKS]
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in CLOCKS:
            found.append(ast.unparse(node))
    return found


def test_no_global_random_generator(root: Path) -> None:
    assert {path: uses for path, tree in sources(root) if (uses := random_uses(tree))} == {}


def test_no_clock_outside_the_composing_packages(root: Path) -> None:
    reads = {path: uses for path, tree in sources(root) if (uses := clock_uses(tree))}
    assert {path: uses for path, uses in reads.items() if not path.startswith(CLOCK_READERS)} == {}


def set_iterations(tree: ast.Module) -> list[int]:
    """Return the lines that iterate over a set, unless what comes out cannot depend on the order."""

    def is_set(node: ast.expr) -> bool:
        return isinstance(node, (ast.Set, ast.SetComp)) or (
            isinstance(node, ast.Call) and ast.unparse(node.func) in ("set", "frozenset")
        )

    harmless = {
        id(generator)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ORDER_FREE
        for argument in call.args
        for generator in getattr(argument, "generators", ())
    }
    return [
        node.iter.lineno if isinstance(node, ast.For) else node.target.lineno
        for node in ast.walk(tree)
        if isinstance(node, (ast.For, ast.comprehension)) and is_set(node.iter) and id(node) not in harmless
    ]


def test_no_iteration_order_of_sets_in_the_estimation(root: Path) -> None:
    """``for x in {…}`` or over ``set(…)`` orders strings by a per-process hash: results would differ between runs."""
    estimating = ("fusion/", "sim/", "messages/", "edge_node/", "detectors/")
    wrong = {path: lines for path, tree in sources(root) if (lines := set_iterations(tree))}
    assert {path: lines for path, lines in wrong.items() if path.startswith(estimating)} == {}


@pytest.mark.parametrize(
    ("code", "guilty"),
    [("for x in {1, 2}: f(x)", True), ("y = [x for x in set(z)]", True), ("y = sorted(x for x in set(z))", False)],
)
def test_the_check_on_sets_can_fail(code: str, guilty: bool) -> None:
    assert bool(set_iterations(ast.parse(code))) == guilty


@pytest.mark.parametrize(
    ("code", "guilty"),
    [
        ("import numpy as np\nnp.random.normal()", True),
        ("import random", True),
        ("from numpy.random import rand", True),
        ("import numpy as np\nrng = np.random.default_rng()", True),
        ("import numpy as np\nrng = np.random.default_rng(7)\nrng.normal()", False),
        ("import numpy as np\ndef f(rng: np.random.Generator) -> float: return rng.normal()", False),
    ],
)
def test_the_check_on_chance_can_fail(code: str, guilty: bool) -> None:
    assert bool(random_uses(ast.parse(code))) == guilty


@pytest.mark.parametrize(
    ("code", "guilty"),
    [
        ("import time\nt = time.time()", True),
        ("from time import monotonic_ns", True),
        ("from datetime import datetime\nt = datetime.now()", True),
        ("clock.now_ns()", False),
    ],
)
def test_the_check_on_clocks_can_fail(code: str, guilty: bool) -> None:
    assert bool(clock_uses(ast.parse(code))) == guilty
