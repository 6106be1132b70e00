"""The simulator's process: draws the world, plays the sensors, sends what they say to the node.

Started by ``vedette run`` as ``python -m vedette.simulator CONFIG.json``; the same ``play`` drives the
in-process run over the in-memory bus.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from messages.codec import encode
from messages.journal import JournalWriter, Kind
from messages.sender import NodeSilent, Sender
from messages.truth import TruthSet

if TYPE_CHECKING:
    from sim.cues import CueInbox
    from sim.simulation import Event

TRUTH_NODE = "truth"
POLL_S = 0.005  # a paced sender looks for answers this often
FLUSH_S = 5.0  # a paced run waits this long at its end for the node's last answers


class SimulatorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the simulator's process is told: the effective scenario, where the node listens, how fast to play."""

    scenario_file: str
    seed: int
    ingest: str
    truth_journal: str
    boot: int
    speed: float | None = None  # None: lock-step


def play(
    events: Iterable[Event],
    sender_of: Callable[[str], Sender],
    truth_journal: JournalWriter,
    wait_until: Callable[[int], None],
    boot: int,
    cues: CueInbox,
) -> None:
    """Send every event in its order; the truth goes to its own journal only.

    ``wait_until(t_ns)`` paces the run: it returns at once in lock-step. What the senders hear while they send
    is heard at that event's time of sending.
    """
    for sequence, event in enumerate(events):
        wait_until(event.t_sent_ns)
        cues.now_ns = event.t_sent_ns
        if isinstance(event.message, TruthSet):
            frame = encode(
                event.message,
                node=TRUTH_NODE,
                boot=boot,
                sequence=sequence,
                t_ns=event.t_ns,
                t_sent_ns=event.t_sent_ns,
            )
            truth_journal.append(Kind.FRAME, event.t_sent_ns, frame)
        else:
            sender_of(event.node).send(event.message, t_ns=event.t_ns, t_sent_ns=event.t_sent_ns)


class Senders:
    """One sender a node name, made when it first speaks; ``link_of`` makes the transport's end."""

    def __init__(self, make: Callable[[str], Sender]) -> None:
        self._make = make
        self._senders: dict[str, Sender] = {}

    def __call__(self, node: str) -> Sender:
        """Return the sender of this node."""
        if node not in self._senders:
            self._senders[node] = self._make(node)
        return self._senders[node]

    def all(self) -> list[Sender]:
        """Return the senders in the order in which they first spoke."""
        return list(self._senders.values())


class Pace:
    """Scaled real time from a start on the machine's monotonic clock; meanwhile the senders take their answers."""

    def __init__(self, speed: float, raw_start_ns: int, senders: Senders) -> None:
        self._speed, self._raw_start_ns, self._senders = speed, raw_start_ns, senders

    def __call__(self, t_ns: int) -> None:
        """Return when the scaled clock has reached ``t_ns``."""
        while (left_s := (self._raw_start_ns + t_ns / self._speed - time.monotonic_ns()) / 1e9) > 0.0:
            for sender in self._senders.all():
                sender.poll()
            time.sleep(min(left_s, POLL_S))


def _run(config: SimulatorConfig, say: Callable[[str], None], hear: Callable[[], str]) -> None:
    """Prepare, say so, wait for the start of the node's clock, play."""
    from messages.zmq_bus import ZmqBus
    from scenarios.loader import load
    from sim.cues import CueInbox
    from sim.simulation import Simulation

    simulation = Simulation(load(config.scenario_file), config.seed)
    say('{"event": "prepared"}')
    raw_start_ns = int(hear())
    bus = ZmqBus()
    lock_step = config.speed is None
    cues = CueInbox()
    senders = Senders(
        lambda node: Sender(
            bus.link(config.ingest, node.encode()),
            node,
            boot=config.boot,
            now_s=time.monotonic,
            lock_step=lock_step,
            on_cue=cues.hear,
        )
    )
    wait_until = _at_once if config.speed is None else Pace(config.speed, raw_start_ns, senders)
    with JournalWriter(Path(config.truth_journal)) as truth_journal:
        play(simulation.events(cues), senders, truth_journal, wait_until, config.boot, cues)
        for sender in senders.all():
            if not sender.flush(FLUSH_S):
                raise NodeSilent(f"{sender.node}: {sender.outstanding} frames without an answer after {FLUSH_S:g} s")
            sender.close()
    bus.close()


def _at_once(t_ns: int) -> None:
    """Pace of a lock-step run: the acknowledgements are the pace."""


def main() -> int:
    """Run the process; return its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=SimulatorConfig)
    try:
        _run(config, lambda line: print(line, flush=True), sys.stdin.readline)
    except KeyboardInterrupt:
        return 130
    except NodeSilent as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
