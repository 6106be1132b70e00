"""The one jit policy of the tracking core, and where compiled kernels are kept.

Every kernel is cached on disk, runs without the interpreter lock and follows NumPy's error model
(division by zero gives inf or NaN, never an exception). Fast-math stays off: NaN is the mark of a
component that was not measured and must stay NaN. Kernels take and return arrays and scalars only;
a failure is a returned flag.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def _sources_print() -> str:
    """Return a hash of all kernel sources: numba's own cache does not notice a change in a callee's file."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _cache_folder() -> str:
    """Return a writable folder of the user's own, keyed by the kernel sources."""
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    name = f"kernels-{_sources_print()}"
    folder = os.path.join(root, "vedette", name)
    try:
        os.makedirs(folder, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    # A service account may have no home: the temporary folder costs one compilation per boot.
    return folder if writable else os.path.join(tempfile.gettempdir(), f"vedette-{os.getuid()}", name)


_CHOSEN_HERE = "NUMBA_CACHE_DIR" not in os.environ
if _CHOSEN_HERE:
    os.environ["NUMBA_CACHE_DIR"] = _cache_folder()

import numba  # noqa: E402  (the cache folder has to be known before numba is imported)

if _CHOSEN_HERE:
    # numba may have been imported by others before; then it has read the environment already.
    numba.config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]


def jit(function: F) -> F:
    """Compile a kernel under the one policy: cached, no interpreter lock, NumPy errors, no fast-math."""
    compiled: F = numba.njit(cache=True, error_model="numpy", nogil=True)(function)
    return compiled


def jit_sum(function: F) -> F:
    """Compile a kernel whose sums may be added up in any order, so that the compiler can use vector lanes.

    Only the order is free: NaN and infinity keep their meaning, and one binary gives the same bits every time.
    """
    compiled: F = numba.njit(cache=True, error_model="numpy", nogil=True, fastmath={"reassoc", "nsz"})(function)
    return compiled


def jit_lane(function: F) -> F:
    """Compile under the policy of ``jit``, and never as a call: one that is left would end the vector loop around it.

    Left to itself the compiler keeps some calls, and a step takes four times as long. Fused multiply-add would save a
    fifth; it stays off, as everywhere, so that the same numbers come out with and without it.
    """
    compiled: F = numba.njit(cache=True, error_model="numpy", nogil=True, forceinline=True)(function)
    return compiled
