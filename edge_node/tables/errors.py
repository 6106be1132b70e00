"""The one error of the file formats."""

from __future__ import annotations


class TableError(ValueError):
    """A file does not follow the format; the text says file, place, value, limit and what to do."""
