"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, print only the result.")]
ThreadsOption = Annotated[int, typer.Option(help="CPU threads of the model.", min=1, max=64)]
