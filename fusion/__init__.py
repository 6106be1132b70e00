"""The tracking core: scans in, tracks, threats and alerts out; pure, with no I/O and no clock of its own."""

from __future__ import annotations


def warm_up() -> None:
    """Compile, or load from the cache, every kernel of the tracking core."""
    from fusion.warming import warm_up as run  # kernels load with the first use, not with the package

    run()
