"""The verbs of the detectors: detect, train, evaluate-detector; hung into ``vedette`` by ``vedette.cli``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from vedette.errors import InputError, exit_codes
from vedette.options import QuietOption, ThreadsOption

detect = typer.Typer(
    no_args_is_help=True, help="Turn raw media into detections. Example: vedette detect thermal CLIP.mp4"
)
train = typer.Typer(
    no_args_is_help=True,
    help="Train a detector from a folder of recordings (make train first). Example: vedette train acoustic --data DATA",
)
DetectionsOption = Annotated[Path, typer.Option(help="DETECTIONS.csv to write; sensors.yaml goes beside it.")]
ModelOption = Annotated[str, typer.Option(help="Name in the manifest, or the .onnx file of a training of yours.")]


ClipArgument = Annotated[Path, typer.Argument(metavar="INPUT", help="Video clip; with a model also a folder of .mp4.")]
BoxesOption = Annotated[Path | None, typer.Option(help="Table with one row a box to write as well (with a model).")]
HfovOption = Annotated[float, typer.Option("--hfov-deg", help="Horizontal field of view.", min=0.1, max=120.0)]


@detect.command()
@exit_codes
def thermal(
    clip: ClipArgument,
    out: DetectionsOption = Path("detections.csv"),
    hfov_deg: HfovOption = 24.0,
    model: Annotated[
        str | None,
        typer.Option(help="Name in the manifest, or a training's .onnx; default: the classical detector, no model."),
    ] = None,
    boxes: BoxesOption = None,
    threads: ThreadsOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Detect small moving objects in a thermal clip, by classical image processing or with a model.

    Example: vedette detect thermal IR_DRONE_001.mp4 --out detections.csv --hfov-deg 24

    A model: vedette detect thermal CLIPS --model runs/train-eo-ir/int8.onnx --boxes boxes.csv
    """
    if model is not None:
        from vedette import detect_eoir

        detect_eoir.main(clip, out, boxes, hfov_deg, model, threads, "thermal", quiet=quiet)
        return
    if boxes is not None:
        raise InputError("--boxes: needs --model; the classical detector writes detections.csv alone")
    from vedette import detect as verb

    verb.main(clip, out, hfov_deg, quiet=quiet)


@detect.command()
@exit_codes
def visible(
    clip: ClipArgument,
    model: Annotated[str, typer.Option(help="Name in the manifest, or a training's .onnx.")],
    out: DetectionsOption = Path("detections.csv"),
    hfov_deg: HfovOption = 24.0,
    boxes: BoxesOption = None,
    threads: ThreadsOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Detect drones and birds in a visible clip, or a folder of them, with a model.

    Example: vedette detect visible V_DRONE_001.mp4 --model runs/train-visible/int8.onnx --boxes boxes.csv
    """
    from vedette import detect_eoir

    detect_eoir.main(clip, out, boxes, hfov_deg, model, threads, "visible", quiet=quiet)


@detect.command()
@exit_codes
def audio(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="WAV file (22.05 kHz), or a folder of them.")],
    out: DetectionsOption = Path("detections.csv"),
    boxes: Annotated[Path | None, typer.Option(help="Table with one row a second to write as well.")] = None,
    microphones: Annotated[
        Path | None,
        typer.Option(help="Places of the array's microphones (CSV), for bearings; default: unknown."),
    ] = None,
    model: ModelOption = "acoustic",
    threads: ThreadsOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Detect drones by their sound, second by second; with an array also where from.

    Example: vedette detect audio DRONE_001.wav --out detections.csv --boxes boxes.csv

    An array: vedette detect audio array.wav --microphones microphones.csv --out detections.csv
    """
    from vedette import detect_audio as verb

    verb.main(source, out, boxes, microphones, model, threads, quiet=quiet)


@detect.command()
@exit_codes
def rf(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="SigMF recording (.sigmf-meta), or a folder of them.")
    ],
    out: DetectionsOption = Path("detections.csv"),
    boxes: Annotated[Path | None, typer.Option(help="Table with one row a signal to write as well.")] = None,
    sigmf: Annotated[
        Path | None, typer.Option(help="Folder for the recordings' metadata with what was heard as annotations.")
    ] = None,
    model: ModelOption = "rf",
    threads: ThreadsOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Detect radio links: which signals are in the band, what kind, and with an array of antennas also where from.

    Example: vedette detect rf RF_001.sigmf-meta --out detections.csv --boxes signals.csv --sigmf annotated
    """
    from vedette import detect_rf as verb

    verb.main(source, out, boxes, sigmf, model, threads, quiet=quiet)


@train.command()
@exit_codes
def acoustic(
    data: Annotated[Path, typer.Option(help="Folder of labelled WAV files (DRONE_001.wav, BACKGROUND_001.wav, ...).")],
    out: Annotated[Path, typer.Option(help="Folder for model.onnx, card.yaml and checkpoints.")] = Path(
        "runs/train-acoustic"
    ),
    seed: Annotated[int, typer.Option(help="Seed of every random draw.", min=0)] = 0,
    members: Annotated[int, typer.Option(help="Networks whose answers are averaged.", min=1, max=32)] = 5,
    steps: Annotated[int | None, typer.Option(help="Training steps of a network; default: 500.", min=1)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted training stopped.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Train the acoustic classifier and judge it on five folds; about five minutes on one core.

    Example: vedette train acoustic --data ../shared/data --out runs/train-acoustic --seed 0
    """
    from vedette import train_acoustic as verb

    verb.main(data, out, seed, members, steps, resume=resume, quiet=quiet)


@train.command("rf")
@exit_codes
def train_rf(
    out: Annotated[Path, typer.Option(help="Folder for model.onnx and card.yaml.")] = Path("runs/train-rf"),
    seed: Annotated[int, typer.Option(help="Seed of every random draw.", min=0)] = 0,
    emitters: Annotated[int, typer.Option(help="Simulated emitters to train on.", min=100)] = 4000,
    held_out: Annotated[
        int, typer.Option("--held-out", help="Emitters of the other family to judge on.", min=25)
    ] = 1500,
    epochs: Annotated[int | None, typer.Option(help="Passes over the emitters; default: 40.", min=1)] = None,
    quiet: QuietOption = False,
) -> None:
    """Train the classifier of radio emitters on simulated ones and judge it on others; some minutes on one core.

    Example: vedette train rf --out runs/train-rf --seed 0
    """
    from vedette import train_rf as verb

    verb.main(out, seed, emitters, held_out, epochs, quiet=quiet)


@exit_codes
def synth_emitters(
    out: Annotated[Path, typer.Option(help="Folder to make; it must not exist, or be empty.")],
    count: Annotated[int, typer.Option(help="Recordings, of 1 to 4 MB each.", min=1, max=100_000)] = 100,
    seed: Annotated[int, typer.Option(help="Seed of every random draw.", min=0)] = 1,
    family: Annotated[str, typer.Option(help="training, or held_out: emitters that no training draws.")] = "held_out",
    quiet: QuietOption = False,
) -> None:
    """Write labelled SigMF recordings of single radio emitters, for evaluate-detector rf.

    Example: vedette synth-emitters --out runs/emitters --count 100 --seed 1
    """
    from vedette import synth_emitters as verb

    verb.main(out, count, seed, family, quiet=quiet)


@train.command("eo-ir")
@exit_codes
def eo_ir(
    data: Annotated[Path, typer.Option(help="Folder with thermal/clips and thermal/boxes.csv, or visible/...")],
    kind: Annotated[Literal["thermal", "visible"], typer.Option(help="Which clips.")] = "thermal",
    out: Annotated[Path, typer.Option(help="Folder for the models, their card and the checkpoint.")] = Path(
        "runs/train-eo-ir"
    ),
    minutes: Annotated[float, typer.Option(help="How long to train, decoding aside.", min=0.05, max=1440.0)] = 100.0,
    steps: Annotated[int | None, typer.Option(help="Train so many steps instead: repeatable.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Seed of every random draw.", min=0)] = 0,
    threads: ThreadsOption = 1,
    cache: Annotated[
        Path | None, typer.Option(help="Folder for decoded clips (2.3 GB for all thermal ones); default: OUT/cache.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted training stopped.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Train the detector of drones, birds, airplanes and helicopters in video; judged on clips held out.

    Example: vedette train eo-ir --data ../shared/data --kind thermal --minutes 100 --threads 2
    """
    from vedette import train_eoir as verb

    verb.main(data, out, cache, kind, minutes, steps, seed, threads, resume=resume, quiet=quiet)


@exit_codes
def evaluate_detector(
    model: Annotated[str, typer.Argument(help="Name in the manifest, or the .onnx file of a training of yours.")],
    data: Annotated[Path, typer.Option(help="Folder of labelled recordings, laid out as the public data set.")],
    threads: ThreadsOption = 1,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Video: only the clips that training holds out.")
    ] = False,
    frames: Annotated[int | None, typer.Option(help="Video: at most so many frames a clip.", min=1)] = None,
    baseline: Annotated[bool, typer.Option("--baseline", help="Video: judge the classical detector as well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Judge a detector's model on labelled recordings: precision, recall, F1, calibration, time a window or frame.

    Example: vedette evaluate-detector acoustic --data ../shared/data --json

    Radio: vedette evaluate-detector rf --data runs/emitters

    Video: vedette evaluate-detector runs/train-eo-ir/int8.onnx --data ../shared/data --held-out --baseline
    """
    from benchmarks.eoir_clips import Choice
    from vedette import evaluate as verb

    verb.main(model, data, threads, Choice(held_out, frames, baseline), as_json=as_json, quiet=quiet)
