"""``vedette node``: the fusion node against live sensors."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from edge_node.config import Backend, NodeConfig, ProcessConfig, dump
from edge_node.process import StopSignal, run_node
from edge_node.tables.sensors_file import read_sensors_yaml
from messages.zmq_bus import next_port


def main(listen: str, *, sensors: Path | None, out: Path, backend: Backend) -> None:
    """Run the node until it is asked to end; then say how to look at the recording."""
    if sensors is not None:
        read_sensors_yaml(sensors)  # a wrong file is told before anything is made
    publish = next_port(listen)
    out.mkdir(parents=True, exist_ok=True)
    config = ProcessConfig(
        folder=str(out),
        ingest=listen,
        publish=publish,
        # Grows at each start, so that the frames of this start are never taken for those of the last.
        node=NodeConfig(boot=time.time_ns(), backend=backend),
        sensors_file=str(sensors) if sensors is not None else None,
    )
    print(f"node: listening on {listen}, publishing on {publish}, recording to {out}; Ctrl-C ends it", file=sys.stderr)
    stop = StopSignal(with_parent=False)
    stop.install()
    run_node(config, stop=stop, announce=lambda event: print(json.dumps(event), flush=True))
    (out / "node.json").write_bytes(dump(config))
    print(f"recorded to {out}; vedette recover {out} makes engagement.mcap and the tables", file=sys.stderr)
