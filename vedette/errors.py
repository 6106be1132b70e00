"""How the command line ends: 0 done, 1 the run failed, 2 the input is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import typer

FILE_FAULTS: dict[type[Exception], str] = {
    FileNotFoundError: "no such file or folder: check the path",
    NotADirectoryError: "a part of the path is a file: name a folder",
    IsADirectoryError: "is a folder: name a file",
    FileExistsError: "exists already: name another",
    PermissionError: "may not be read or written: check its permissions",
}
P = ParamSpec("P")
R = TypeVar("R")


class InputError(ValueError):
    """The input is wrong: the text says what, where, value, limit and what to do."""


class RunFailed(RuntimeError):
    """The input was right but the work could not be done."""


def input_errors() -> tuple[type[Exception], ...]:
    """Return the exception types of every package that mean "the input is wrong"."""
    from benchmarks.validation.published import PublishedError
    from detectors.manifest import ModelError
    from detectors.media import MediaError
    from edge_node.config import ConfigError
    from edge_node.recording import RecordingError
    from edge_node.replay import ReplayError
    from edge_node.tables.errors import TableError
    from messages.journal import JournalError
    from messages.zmq_bus import EndpointError
    from scenarios.loader import ScenarioError

    files = (FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError, PermissionError, JournalError)
    package = (ScenarioError, TableError, ConfigError, RecordingError, ReplayError, EndpointError)
    return (InputError, PublishedError, MediaError, ModelError, *package, *files)


def _sentence(error: Exception) -> str:
    """Return what to tell: the system's own errors name the file last, behind a number."""
    if not isinstance(error, OSError) or error.filename is None:
        return str(error)
    return f"{error.filename}: {FILE_FAULTS.get(type(error), error.strerror)}"


def exit_codes(verb: Callable[P, R]) -> Callable[P, R]:
    """Turn the exceptions of a verb into its exit code, with one clear sentence on standard error."""

    @wraps(verb)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return verb(*args, **kwargs)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise typer.Exit(1) from None
        except RunFailed as error:
            print(f"vedette: {error}", file=sys.stderr)
            raise typer.Exit(1) from None
        except (ValueError, OSError) as error:
            if not isinstance(error, input_errors()):
                raise
            print(f"vedette: {_sentence(error)}", file=sys.stderr)
            raise typer.Exit(2) from None

    return wrapped
