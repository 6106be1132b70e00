"""What the sensors of a run have heard from the node and not yet acted on."""

from __future__ import annotations

from messages.types import SensorCue


class CueInbox:
    """Cues by sensor, with the time at which each was heard; whoever sends for the sensors moves ``now_ns``.

    A cue is heard with an answer to the sensor's own frame, at that frame's time of sending: in lock-step the
    same in every run.
    """

    def __init__(self) -> None:
        self.now_ns = 0
        self._heard: dict[str, list[tuple[int, SensorCue]]] = {}

    def hear(self, cue: SensorCue) -> None:
        """Keep a cue until its sensor looks next."""
        self._heard.setdefault(cue.sensor_id, []).append((self.now_ns, cue))

    def take(self, sensor_id: str) -> list[tuple[int, SensorCue]]:
        """Return what a sensor has heard since it was last asked, each with its time [ns], in order."""
        return self._heard.pop(sensor_id, [])
