"""A sensor whose maker has read only docs/icd.md feeds a running node and is tracked."""

from __future__ import annotations

import ast
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("foreign_sensor.py")
VEDETTE = str(Path(sys.executable).with_name("vedette"))
SECONDS = 6.0
# One look is off by 0.009 rad * 900 m = 8 m across and 0.014 * 900 = 13 m in height; the track does better.
MEDIAN_ERROR_MAX_M = 13.0


def free_port_pair() -> int:
    """Return a TCP port that is free together with the next one."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise AssertionError("no two neighbouring free ports")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[tuple[str, str, Path]]:
    """A node process on two free ports; yields (ingest, publish, its folder)."""
    port = free_port_pair()
    ingest, publish = f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{port + 1}"
    out = tmp_path / "node"
    command = [VEDETTE, "node", "--listen", ingest, "--out", str(out)]
    with (tmp_path / "node.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    yield ingest, publish, out
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def test_script_shares_no_code_with_the_project() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert names - set(sys.stdlib_module_names) == {"zmq", "msgpack"}


def test_foreign_radar_is_tracked_by_a_running_node(node: tuple[str, str, Path], tmp_path: Path) -> None:
    ingest, publish, _ = node
    command = [sys.executable, str(SCRIPT), ingest, publish, "--seconds", str(SECONDS), "--patience", "200"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path, check=False)
    said = (tmp_path / "node.log").read_text(encoding="utf-8")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nnode:\n{said}"
    report = json.loads(done.stdout)
    assert report["refused"] == []
    assert report["accepted"] == report["sent"]
    assert report["reports"] >= 10
    assert report["median_error_m"] < MEDIAN_ERROR_MAX_M
