"""Run the quickstarts of README.md exactly as they stand there.

The first ``sh`` code block under each heading is run, in the repository, with the environment's
commands on PATH, as a user would; each must succeed. The two set-up commands are steps of .ci/run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def blocks(readme: str) -> dict[str, list[str]]:
    """Return heading -> lines of the first ``sh`` block under it, without comments and empty lines."""
    found: dict[str, list[str]] = {}
    title, inside = "", False
    for line in readme.splitlines():
        if inside:
            inside = line.strip() != "```"
            if inside and line.strip() and not line.startswith("#"):
                found[title].append(line)
        elif line.startswith("#"):
            title = line.lstrip("#").strip()
        elif line.strip() == "```sh" and title not in found:
            inside, found[title] = True, []
    return found


SET_UP = "Set-up"


def main() -> int:
    """Run every block, stop at the first that fails, and return the exit code."""
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join((str(ROOT / ".venv" / "bin"), environment["PATH"]))
    for title, lines in blocks((ROOT / "README.md").read_text(encoding="utf-8")).items():
        if title == SET_UP:
            continue
        print(f"== README: {title}\n" + "\n".join(lines), flush=True)
        start = time.monotonic()
        script = "\n".join(lines)
        for folder in re.findall(r"\bruns/\w+", script):  # left by an earlier run; vedette overwrites nothing
            shutil.rmtree(ROOT / folder, ignore_errors=True)
        done = subprocess.run(["sh", "-eu", "-c", script], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)
        if done.returncode:
            print(f"README, {title}: exit code {done.returncode}", file=sys.stderr)
            return 1
        print(f"== {title}: {time.monotonic() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
