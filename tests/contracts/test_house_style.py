"""What the house style promises and a machine can see: docstrings, sizes, no marks of unfinished work."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from source_tree import sources

FILE_WALL_LINES = 400
FUNCTION_WALL_LINES = 70
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
UNFINISHED = re.compile(r"\bNotImplementedError|\b(TODO|FIXME|XXX|HACK)\b|\bplaceholder\b|\bfor now\b", re.IGNORECASE)


def public(tree: ast.Module) -> list[Definition]:
    """Return the public functions, classes and methods of a module (not what lies inside a function)."""
    found: list[Definition] = []
    stack: list[ast.Module | ast.ClassDef] = [tree]
    while stack:
        for node in stack.pop().body:
            if isinstance(node, Definition) and not node.name.startswith("_"):
                found.append(node)
                if isinstance(node, ast.ClassDef):
                    stack.append(node)
    return found


def test_everything_public_says_what_it_is(root: Path) -> None:
    wrong = [f"{path}: the module" for path, tree in sources(root) if not ast.get_docstring(tree)]
    for path, tree in sources(root):
        wrong += [f"{path}:{node.lineno} {node.name}" for node in public(tree) if not ast.get_docstring(node)]
    assert wrong == []


def test_files_and_functions_are_small_enough_to_see(root: Path) -> None:
    wrong = []
    for path, tree in sources(root):
        lines = len((root / path).read_text(encoding="utf-8").splitlines())
        if lines > FILE_WALL_LINES:
            wrong.append(f"{path}: {lines} lines: must be <= {FILE_WALL_LINES}")
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_WALL_LINES:
                    wrong.append(f"{path}:{node.lineno} {node.name}: {length} lines: must be <= {FUNCTION_WALL_LINES}")
    assert wrong == []


def test_nothing_is_marked_as_unfinished(root: Path) -> None:
    wrong = []
    for path, _ in sources(root):
        for i, line in enumerate((root / path).read_text(encoding="utf-8").splitlines(), 1):
            if UNFINISHED.search(line):
                wrong.append(f"{path}:{i}: {line.strip()}")
    assert wrong == []


def test_no_fault_is_swallowed(root: Path) -> None:
    """A bare or broad ``except`` whose body only passes hides the fault from everybody."""
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in sources(root)
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and all(isinstance(s, (ast.Pass, ast.Continue)) for s in node.body)
    ]
    assert wrong == []
