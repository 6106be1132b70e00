"""Check the lock files: no addresses, in step with pyproject.toml, wheels for every promised machine and Python.

Needs the package index (through the address in the user's pip configuration, where there is one) and fails when it
cannot be reached: a check that could not be made is not a check that passed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN_LOCKS = ("requirements.lock", "requirements-build.lock")
DEV_LOCK = "requirements-dev.lock"
SOURCES = {  # lock -> what it is compiled from, as in the Makefile
    DEV_LOCK: ("pyproject.toml", "--extra", "dev", "--extra", "parquet"),
    "requirements.lock": ("pyproject.toml", "-c", DEV_LOCK),
    "requirements-build.lock": ("--group", "build", "-c", DEV_LOCK),
    "requirements-peers.lock": ("pyproject.toml", "--extra", "peers", "-c", DEV_LOCK),
    "requirements-train.lock": ("pyproject.toml", "--extra", "train", "-c", DEV_LOCK),
}
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
# glibc 2.28: the oldest that the dependencies' wheels support (Debian 10, RHEL 8; JetPack 6 has 2.35)
PLATFORMS = ("aarch64-manylinux_2_28", "x86_64-manylinux_2_28")
PIN = re.compile(r"^([a-z0-9][a-z0-9-]*)==(\S+)( ; .+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def text_errors(name: str) -> list[str]:
    """Return one sentence for each line of a lock that is neither a pin nor a hash."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [
        f"{name}:{i}: {line[:80]!r}: must be NAME==VERSION or a sha256 hash (no option, no address)"
        for i, line in enumerate(lines, 1)
        if not PIN.match(line) and not HASH.match(line)
    ]


def pins(text: str) -> set[tuple[str, ...]]:
    """Return (name, version, marker) of every pin of a lock."""
    return {tuple(part or "" for part in m.groups()) for m in map(PIN.match, text.splitlines()) if m}


def index_environment() -> dict[str, str]:
    """Return the environment for uv, with the index address and certificate that pip is configured to use."""
    environment = dict(os.environ)
    for key, variable in (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE")):
        for section in ("global", "install", ":env:"):
            command = [sys.executable, "-m", "pip", "config", "get", f"{section}.{key}"]
            found = subprocess.run(command, capture_output=True, text=True, check=False)
            if found.returncode == 0 and found.stdout.strip():
                environment.setdefault(variable, found.stdout.strip())
    return environment


def uv(*arguments: str, environment: dict[str, str]) -> str | None:
    """Run uv in the repository; return None where it succeeded, else what it said."""
    command = [sys.executable, "-m", "uv", "--quiet", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stderr.strip() or f"exit code {done.returncode}")


def out_of_step(name: str, folder: Path, environment: dict[str, str]) -> list[str]:
    """Compile a lock again, preferring its own pins, and return the differences."""
    copy = folder / name
    copy.write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    # fmt: off
    error = uv("pip", "compile", "--python", sys.executable, "--universal", "--python-version", "3.10",
               "--only-binary", ":all:", "--generate-hashes", "--no-header", "--no-annotate", *SOURCES[name],
               "-o", str(copy), environment=environment)
    # fmt: on
    if error is not None:
        return [f"{name}: could not be compiled again:\n{error}"]
    old, new = pins((ROOT / name).read_text(encoding="utf-8")), pins(copy.read_text(encoding="utf-8"))
    return [f"{name}: {' '.join(pin)}: not what pyproject.toml asks for; run make lock" for pin in sorted(old ^ new)]


def without_wheels(platform: str, python: str, folder: Path, environment: dict[str, str]) -> list[str]:
    """Resolve the locked versions and hashes for one machine and Python, wheels only, and return what fails."""
    locks = [part for name in RUN_LOCKS for part in ("-r", name)]
    # fmt: off
    error = uv("pip", "install", "--dry-run", "--no-deps", "--require-hashes", "--only-binary", ":all:",
               "--target", str(folder / "target"), "--python", sys.executable, "--python-version", python,
               "--python-platform", platform, *locks, environment=environment)
    # fmt: on
    return [] if error is None else [f"Python {python} on {platform}: no wheel for every locked package:\n{error}"]


def main() -> int:
    """Run every check, print what fails, and return the exit code."""
    errors = [error for name in SOURCES for error in text_errors(name)]
    environment = index_environment()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name in SOURCES:
            errors += out_of_step(name, folder, environment)
        for platform in PLATFORMS:
            for python in PYTHONS:
                errors += without_wheels(platform, python, folder, environment)
    print("\n".join(errors) or f"lock: wheels for Python {', '.join(PYTHONS)} on {', '.join(PLATFORMS)}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
