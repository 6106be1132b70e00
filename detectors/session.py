"""The one module that speaks onnxruntime: a checked model in, a session out that says where it runs.

onnxruntime falls back to the CPU without a word where a provider cannot be had. Here each provider is asked for by
itself, in order, and a session counts as got only where the runtime confirms it; the rest is kept with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from detectors.manifest import Model, ModelError

PROVIDERS = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
QUIET = 4  # fatal: what goes wrong is raised and told once, in words
WARM_UP_RUNS = 3  # the first allocates, the second plans memory, the third is like all later ones
MAX_THREADS = 64

Array = NDArray[Any]


class InferenceFault(RuntimeError):
    """A loaded model gave an answer that cannot be used; the detector that asked must report itself as failed."""


class PassedOver(NamedTuple):
    """A provider that was tried before the one got, and why it was not."""

    provider: str
    reason: str


class Tensor(NamedTuple):
    """An input or output of a model; an axis that is free is given by its name."""

    name: str
    shape: tuple[int | str | None, ...]
    type: str


class Session:
    """A model ready to run on ``provider``; ``passed_over`` says what was tried first and why it was not got."""

    def __init__(self, model: Model, threads: int = 1, providers: tuple[str, ...] = PROVIDERS) -> None:
        """Open the model on the first provider that can be had.

        Raises ModelError where none can, or ``threads`` or a provider's name is out of range.
        """
        if not 1 <= threads <= MAX_THREADS:
            raise ModelError(f"threads = {threads}: must be within 1..{MAX_THREADS}")
        unknown = [name for name in providers if name not in PROVIDERS]
        if unknown or not providers:
            raise ModelError(f"providers = {', '.join(unknown) or 'none'}: must be of {', '.join(PROVIDERS)}")
        self.model = model
        self.threads = threads
        self.passed_over: list[PassedOver] = []
        self._session = self._open(providers)
        self.provider: str = self._session.get_providers()[0]
        self.inputs = tuple(Tensor(t.name, tuple(t.shape), t.type) for t in self._session.get_inputs())
        self.outputs = tuple(Tensor(t.name, tuple(t.shape), t.type) for t in self._session.get_outputs())

    def _open(self, providers: tuple[str, ...]) -> Any:
        for provider in providers:
            if provider not in onnxruntime.get_available_providers():
                self.passed_over.append(PassedOver(provider, "not in this build of onnxruntime"))
                continue
            try:
                session = onnxruntime.InferenceSession(self.model.data, self._options(), providers=[provider])
            # onnxruntime's exceptions share no base of their own; whatever it says is kept and told.
            except Exception as error:
                self.passed_over.append(PassedOver(provider, _first_line(error)))
                continue
            got = session.get_providers()
            if got and got[0] == provider:
                return session
            self.passed_over.append(PassedOver(provider, f"the runtime gave {', '.join(got)} instead"))
        told = "; ".join(f"{p.provider}: {p.reason}" for p in self.passed_over)
        raise ModelError(f"{self.model.source}: cannot be opened on any provider ({told})")

    def _options(self) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = QUIET
        return options

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return every output by name.

        Raises InferenceFault where the runtime refuses the inputs or an output is not finite.
        """
        try:
            values = self._session.run(None, dict(inputs))
        except Exception as error:  # as above
            raise InferenceFault(f"{self.model.name}: {_first_line(error)}") from error
        found = {tensor.name: np.asarray(value) for tensor, value in zip(self.outputs, values, strict=True)}
        wrong = [name for name, value in found.items() if not np.isfinite(value).all()]
        if wrong:
            raise InferenceFault(f"{self.model.name}: output {', '.join(wrong)} is not finite: not used")
        return found

    def warm_up(self, free: int = 1) -> None:
        """Run the model on zeros, every free axis ``free`` long, so that the first real input waits for nothing."""
        zeros = {
            t.name: np.zeros([n if isinstance(n, int) else free for n in t.shape], _numpy_type(t.type))
            for t in self.inputs
        }
        for _ in range(WARM_UP_RUNS):
            self.run(zeros)

    def describe(self) -> str:
        """Return one line for people: model, where it runs, and what was passed over."""
        line = f"{self.model.name} on {self.provider} ({self.threads} thread{'s' * (self.threads > 1)})"
        return line + "".join(f"; {p.provider} passed over: {p.reason}" for p in self.passed_over)


def _numpy_type(name: str) -> Any:
    return {"tensor(float)": np.float32, "tensor(uint8)": np.uint8, "tensor(int64)": np.int64}[name]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
