"""Which models may be loaded: the manifest, pinned by its hash in this file; it pins every model and card by theirs.

So whoever installed these sources (their wheel is hash-locked) has signed for every model. A file is read once; what
is hashed, walked and given to the runtime are the same bytes, so a file swapped between two looks gains nothing.

Write the manifest and its pin again after a model has changed: ``python -m detectors.manifest``
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detectors.onnx_bytes import OnnxFault, inspect

MODELS = Path(__file__).resolve().parent / "models"
MANIFEST_NAME = "manifest.json"
MANIFEST_SHA256 = "02ce15999d80015e12c57a09f87d6deaa2c832694cc6f4d10d4197cc9b6c2223"
FORMAT = 1
MAX_MODEL_BYTES = 64 * 2**20  # the largest planned detector is a tenth of it
HASH = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")


class ModelError(ValueError):
    """A model may not or cannot be loaded; the text says which file, what is wrong and what to do."""


@dataclass(frozen=True)
class Model:
    """A model whose bytes have been checked: ``data`` is what the runtime gets, ``card`` its card's text."""

    name: str
    source: Path
    sha256: str
    data: bytes
    card: str


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def load_listed(name: str, folder: Path = MODELS, manifest_sha256: str | None = None) -> Model:
    """Return a model that the manifest of ``folder`` lists.

    ``manifest_sha256`` pins that manifest; default: the one of the models that come with Vedette.
    Raises ModelError where manifest, model or card are missing, cut off, changed or ask for what we refuse.
    """
    listed = read_manifest(folder, MANIFEST_SHA256 if manifest_sha256 is None else manifest_sha256)
    if name not in listed:
        raise ModelError(
            f"{folder / MANIFEST_NAME}: no model {name!r}; listed are {', '.join(sorted(listed)) or 'none'}"
        )
    entry = listed[name]
    data = _pinned(folder, entry["file"], entry["sha256"], entry["bytes"])
    card = _pinned(folder, entry["card"], entry["card_sha256"], None)
    return checked_model(name, folder / entry["file"], data, card.decode("utf-8"))


def checked_model(name: str, source: Path, data: bytes, card: str) -> Model:
    """Return the model of bytes that were already compared with their hash; refuse what reaches outside of them."""
    try:
        inspect(data)
    except OnnxFault as fault:
        raise ModelError(f"{source}: {fault}") from None
    return Model(name, source, sha256_of(data), data, card)


def open_model(name: str) -> Model:
    """Return a model that the manifest lists, or the ``.onnx`` file (or its folder) that a person names by its path.

    A name without a slash or ``.onnx`` is always the manifest's. Raises ModelError where it may not be loaded.
    """
    if "/" not in name and not name.endswith(".onnx"):
        return load_listed(name)
    return load_named(Path(name) / "model.onnx" if Path(name).is_dir() else Path(name))


def load_named(path: Path) -> Model:
    """Return a model that a person names, for trying out what was trained; its card must hold its hash."""
    data, card = read_model_bytes(path), path.with_name("card.yaml")
    text = read_model_bytes(card).decode("utf-8", errors="replace")
    if sha256_of(data) not in text:
        raise ModelError(f"{path}: sha256 = {sha256_of(data)}: not the one in {card}; changed, swapped or truncated")
    return checked_model(path.stem, path, data, text)


def read_model_bytes(path: Path) -> bytes:
    """Read a model's file, once and bounded; ModelError where it is not there, empty or too large."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MODEL_BYTES + 1)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; install the models again, or train one: vedette train") from None
    if not 0 < len(data) <= MAX_MODEL_BYTES:
        raise ModelError(f"{path}: size = {len(data)} bytes: must be > 0 and <= {MAX_MODEL_BYTES}")
    return data


def read_manifest(folder: Path, pinned_sha256: str) -> dict[str, dict[str, Any]]:
    """Return the entries of a manifest whose bytes have the pinned hash."""
    path = folder / MANIFEST_NAME
    data = read_model_bytes(path)
    found = sha256_of(data)
    if found != pinned_sha256:
        raise ModelError(
            f"{path}: sha256 = {found}: must be {pinned_sha256}, which is pinned; the manifest was changed or swapped"
        )
    try:
        content = json.loads(data)
        entries = {str(name): _entry(entry) for name, entry in content["models"].items()}
        if content["format"] != FORMAT or not all(NAME.fullmatch(name) for name in entries):
            raise ValueError(f"format {content['format']}")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ModelError(f"{path}: not a manifest of format {FORMAT} ({error})") from None
    return entries


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    """Check one entry: two hashes, and two files below the manifest's folder."""
    for key in ("sha256", "card_sha256"):
        if not HASH.fullmatch(entry[key]):
            raise ValueError(f"{key} = {entry[key]!r}")
    for key in ("file", "card"):
        place = Path(entry[key])
        if place.is_absolute() or ".." in place.parts:
            raise ValueError(f"{key} = {entry[key]!r} leaves the folder")
    if type(entry["bytes"]) is not int:
        raise ValueError(f"bytes = {entry['bytes']!r}")
    return entry


def _pinned(folder: Path, name: str, sha256: str, size: int | None) -> bytes:
    data = read_model_bytes(folder / name)
    if size is not None and len(data) < size:
        raise ModelError(f"{folder / name}: size = {len(data)} bytes: must be {size}; truncated: copy the model again")
    if sha256_of(data) != sha256:
        raise ModelError(
            f"{folder / name}: sha256 = {sha256_of(data)}: must be {sha256} (manifest); changed or swapped: not loaded"
        )
    return data


def manifest_bytes(folder: Path) -> bytes:
    """Return the manifest of every ``<name>/*.onnx`` below a folder; ``<name>/card.yaml`` belongs to all of them.

    ``acoustic/model.onnx`` is listed as ``acoustic``, ``acoustic/int8.onnx`` as ``acoustic-int8``.
    """
    models = {}
    for path in sorted(folder.glob("*/*.onnx")):
        name = path.parent.name + ("" if path.stem == "model" else f"-{path.stem}")
        data, card = read_model_bytes(path), path.with_name("card.yaml")
        checked_model(name, path, data, "")
        models[name] = {
            "file": path.relative_to(folder).as_posix(),
            "bytes": len(data),
            "sha256": sha256_of(data),
            "card": card.relative_to(folder).as_posix(),
            "card_sha256": sha256_of(read_model_bytes(card)),
        }
    return (json.dumps({"format": FORMAT, "models": models}, indent=1, sort_keys=True) + "\n").encode()


def main() -> None:
    """Write the manifest of the models that come with Vedette, and its pin into this file."""
    data = manifest_bytes(MODELS)
    (MODELS / MANIFEST_NAME).write_bytes(data)
    here = Path(__file__)
    text = here.read_text(encoding="utf-8")
    pin = re.compile(r'^MANIFEST_SHA256 = "[0-9a-f]{64}"$', re.MULTILINE)
    here.write_text(pin.sub(f'MANIFEST_SHA256 = "{sha256_of(data)}"', text), encoding="utf-8")
    print(data.decode(), end="")


if __name__ == "__main__":
    main()
