"""The node's configuration: one frozen type a component; files map onto it one to one, unknown keys are errors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MS, S = 1_000_000, 1_000_000_000

NodeName = Annotated[str, Meta(min_length=1, max_length=24, pattern=r"^[A-Za-z0-9_./:-]+$")]
Backend = Literal["numba", "filterpy"]


class ConfigError(ValueError):
    """A configuration that the node cannot run with; the text names key, value and limit."""


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What decides the tracks: written into the journal, so that replay runs with the same."""

    name: NodeName = "node"
    boot: Annotated[int, Meta(ge=0, le=2**62)] = 0
    """Grows at each start of a live node; a scenario run fixes it, so that its frames repeat bit by bit."""
    lock_step: bool = False
    """The clock of arrival is the senders' own time of sending; nothing depends on the machine's load."""
    backend: Backend = "numba"
    hold_back_ns: Annotated[int, Meta(ge=0, le=1 * S)] = 5 * MS
    """A scan waits this long for an earlier one; 5 ms covers the jitter of a wired vehicle network."""
    lag_ns: Annotated[int, Meta(ge=0, le=60 * S)] = 1 * S
    """A scan later than this is refused by the tracker; the maximum age of the topic ``scan``."""
    future_limit_ns: Annotated[int, Meta(ge=0, le=3600 * S)] = 500 * MS
    """Validity this far ahead of arrival is a wrong clock: five times the error of an NTP-disciplined one."""
    past_limit_ns: Annotated[int, Meta(ge=0, le=3600 * S)] = 10 * S
    """Validity this far behind arrival is a wrong clock or a link that held the past back."""
    sent_jump_limit_ns: Annotated[int, Meta(ge=0, le=3600 * S)] = 60 * S
    """Lock-step: one frame may not move the clock further than this."""
    assess_period_ns: Annotated[int, Meta(ge=0, le=10 * S)] = 50 * MS
    """Threats are judged at most this often: a crew cannot use 20 opinions a second, let alone 200."""
    senders_max: Annotated[int, Meta(ge=1, le=4096)] = 256
    """Nodes that may ever speak to this one; bounds the tables of sequences and health."""
    sensors_max: Annotated[int, Meta(ge=1, le=4096)] = 64
    """Sensors that the tracker makes room for: five a vehicle on a platoon of four, three times over."""
    cueing: bool = True
    """Sensors that can be pointed are sent cues; without, they look where they like."""
    expected_senders: tuple[NodeName, ...] = ()
    """Who must say EndOfStream before the stream is over; empty: everyone who ever spoke."""


class ClockConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clock of arrival of a live node: Unix time, or scaled time from zero at the moment it is ready."""

    kind: Literal["unix", "scaled"] = "unix"
    speed: Annotated[float, Meta(gt=0.0, le=1000.0)] = 1.0
    raw_start_ns: int | None = None
    """Monotonic time of the machine at which scaled time was zero; none: the moment at which the node is ready."""


class ProcessConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the process around the node needs: folder, endpoints, clock."""

    folder: str
    ingest: str
    publish: str
    node: NodeConfig = NodeConfig()
    clock: ClockConfig = ClockConfig()
    end_with_streams: bool = False
    """End when every sender has said EndOfStream (scenario runs); otherwise only at a signal."""
    end_with_parent: bool = False
    """End when the process that started this one has died, so that no node is left behind by a killed run."""
    sensors_file: str | None = None
    """Optional SENSORS.yaml; not needed where sensors introduce themselves."""
    sync_period_s: Annotated[float, Meta(ge=0.0, le=3600.0)] = 1.0
    """How often the journals are forced to disk: a power cut loses at most this much; 0: never."""
    resume_bytes_max: Annotated[int, Meta(ge=0)] = 64 * 1024 * 1024
    """A journal up to this size is fused again at a restart; a longer one is set aside (a restart must be quick)."""


def load(path: Path) -> ProcessConfig:
    """Return the process configuration of a JSON file. Raises ConfigError naming file and key."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ProcessConfig)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file: name an existing configuration") from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}") from None


def dump(config: NodeConfig | ProcessConfig) -> bytes:
    """Return the configuration as JSON, keys in the order of the type."""
    return msgspec.json.encode(config)


def node_config(data: bytes) -> NodeConfig:
    """Return the node configuration that a journal's CONFIG record holds. Raises ConfigError."""
    try:
        return msgspec.json.decode(data, type=NodeConfig)
    except msgspec.DecodeError as error:
        raise ConfigError(f"configuration in the journal: {error}") from None
