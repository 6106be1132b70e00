"""The interface page is made from the code, and the sensor printed on it works as it stands."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

from edge_node_fakes import fake_estimation

from edge_node.config import NodeConfig
from edge_node.journals import NodeJournals
from edge_node.node import FusionNode
from messages import detections, icd
from messages.codec import HEADER, decode
from messages.topics import Topics
from messages.zmq_bus import ZmqBus


def test_every_topic_message_field_and_column_is_on_the_page() -> None:
    page = icd.render()
    for topic in Topics:
        assert f"| {topic.value.number} | `{topic.value.name}` | `{topic.value.type.__name__}` |" in page
        assert f"### {topic.value.type.__name__}\n" in page
        for field in topic.value.type.__struct_fields__:
            assert f"| `{field}` |" in page
    for column in detections.COLUMNS:
        assert f"`{column.name}`" in page
    assert icd.render() == page


def test_the_worked_example_is_a_frame_that_decodes_to_what_the_text_says() -> None:
    page = icd.render()
    text = page.split("The whole example frame:")[1].split("```")[1]
    frame = decode(bytes.fromhex(text))
    assert (frame.node, frame.boot, frame.sequence, frame.message) == ("radar_1", 7, 42, icd.EXAMPLE)
    assert frame.t_sent_ns - frame.t_ns == 2_000_000
    assert f"{HEADER.size} bytes of header" in page


def test_the_minimal_sensor_of_the_page_is_heard_by_a_node(tmp_path: Path) -> None:
    script = tmp_path / "sensor.py"
    page = icd.render()
    script.write_text(page.split("```python\n")[1].split("```")[0])
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        ingest = f"tcp://127.0.0.1:{s.getsockname()[1]}"
    bus = ZmqBus()
    port = bus.port(ingest, f"ipc://{tmp_path}/out")
    config = NodeConfig()
    journals = NodeJournals(tmp_path / "run", config, resume_bytes_max=0)
    node = FusionNode(
        config,
        fake_estimation(config),
        inbound=journals.inbound,
        outbound=journals.outbound,
        publish=port.publish,
        perf_ns=time.perf_counter_ns,
    )
    child = subprocess.Popen([sys.executable, str(script), ingest], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 15.0
    while not node.streams_ended and time.monotonic() < deadline and child.poll() in (None, 0):
        received = port.receive(0.05)
        if received is not None:
            answer = node.on_frame(*received, time.time_ns())
            assert answer is not None
            port.answer(received[0], answer)
    _, err = child.communicate(timeout=10)
    node.finish()
    for end in (port, bus, journals):
        end.close()
    assert (child.returncode, err) == (0, "")
    counters = node.counters()
    assert (counters["accepted"], counters["scans_fused"]) == (12, 10)
    assert not any(name.startswith("refused.") for name in counters)
