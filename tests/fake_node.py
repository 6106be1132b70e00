"""The node's process with the fake estimator: started as a child by the fault tests, to be killed."""

from __future__ import annotations

import sys
from pathlib import Path

from edge_node_fakes import fake_estimation

from edge_node import process

if __name__ == "__main__":
    process.run_node.__kwdefaults__.update(build=fake_estimation, warm_up=lambda: None)
    sys.exit(process.main(["--config", str(Path(sys.argv[1]))]))
