"""The ``vedette`` command: every verb with its options and an example; the work is in the module it names."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated, Literal

import typer

from vedette import cli_detectors
from vedette.cli_synth import synth
from vedette.errors import exit_codes
from vedette.options import QuietOption

app = typer.Typer(
    name="vedette",
    help="Counter-drone sensing: simulate or record sensors, fuse them into tracks, warn the crew, score and replay.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Backend = Literal["numba", "filterpy"]
BackendOption = Annotated[
    Backend, typer.Option("--filter-backend", help="numba is fast, filterpy the slow textbook reference.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Override one value of the scenario, for example targets[0].start_s=3.", metavar="KEY=VALUE"
    ),
]


@app.command()
@exit_codes
def run(
    scenario: Annotated[
        str, typer.Argument(help="Name in the library (vedette scenarios) or a YAML file.")
    ] = "fpv_treeline",
    seed: Annotated[int | None, typer.Option(help="Seed of every random draw; default: the scenario's own.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; default: runs/<scenario>-seed<N>.")] = None,
    speed: Annotated[
        str, typer.Option(help="1 is real time, 4 four times faster, max lock-step without loss.")
    ] = "max",
    set_: SetOption = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="All parts in one process over an in-memory bus.")
    ] = False,
    transport: Annotated[
        str, typer.Option(help="ipc, or tcp://HOST:PORT for the node's port (PORT + 1 publishes).")
    ] = "ipc",
    filter_backend: BackendOption = "numba",
    quiet: QuietOption = False,
) -> None:
    """Run a scenario to its end: simulate, fuse, record, score, draw.

    Example: vedette run swarm_12 --seed 3 --out runs/swarm --set environment.visibility_m=2000
    """
    from vedette import run as verb

    verb.main(
        verb.RunOptions(
            scenario=scenario,
            seed=seed,
            out=out,
            speed=speed,
            overrides=tuple(set_ or ()),
            in_process=in_process,
            transport=transport,
            backend=filter_backend,
            quiet=quiet,
        )
    )


@app.command()
@exit_codes
def replay(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder with its journals.")],
    speed: Annotated[str, typer.Option(help="1 is real time, max as fast as it goes.")] = "max",
    filter_backend: Annotated[
        Backend | None, typer.Option("--filter-backend", help="Default: the recorded one.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Feed a recording through the node again and say whether the tracks are bit-identical.

    Example: vedette replay runs/fpv_treeline-seed1
    """
    from vedette import replay as verb
    from vedette.run import parse_speed

    verb.main(run_folder, speed=parse_speed(speed), backend=filter_backend, quiet=quiet)


@app.command()
@exit_codes
def recover(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of a run that was cut off.")],
) -> None:
    """Make engagement.mcap and the tables from whatever journals a cut-off run left.

    Example: vedette recover runs/fpv_treeline-seed1
    """
    from vedette import recover as verb

    verb.main(run_folder)


@app.command()
@exit_codes
def node(
    listen: Annotated[
        str, typer.Option(help="Where sensors connect; the next port publishes.")
    ] = "tcp://127.0.0.1:5570",
    sensors: Annotated[
        Path | None, typer.Option(help="SENSORS.yaml; not needed where sensors introduce themselves.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the recording.")] = Path("runs/node"),
    filter_backend: BackendOption = "numba",
) -> None:
    """Run the fusion node against live sensors until Ctrl-C.

    Example: vedette node --listen tcp://127.0.0.1:5570 --out runs/node
    """
    from vedette import node as verb

    verb.main(listen, sensors=sensors, out=out, backend=filter_backend)


@app.command()
@exit_codes
def track(
    detections: Annotated[Path, typer.Argument(help="DETECTIONS.csv or .parquet.")],
    sensors: Annotated[Path, typer.Option(help="SENSORS.yaml.")],
    out: Annotated[Path, typer.Option(help="TRACKS.csv or .parquet to write.")],
    poses: Annotated[Path | None, typer.Option(help="POSES.csv, where sensors ride on platforms.")] = None,
    order: Annotated[
        Literal["arrival", "validity"], typer.Option(help="arrival (as a live node would hear it) or validity.")
    ] = "arrival",
    filter_backend: BackendOption = "numba",
    registration: Annotated[
        Path | None,
        typer.Option(help="Where to write the estimated errors of platforms and sensors: .json, .csv or .parquet."),
    ] = None,
    tune: Annotated[
        Path | None,
        typer.Option(
            help="Choose noise, clutter and motion from the detections first, and write the choice to this YAML."
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Track with the parameters of a YAML that --tune wrote, or that you wrote.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Track detections that someone else recorded.

    Example: vedette track detections.csv --sensors sensors.yaml --poses poses.csv --out tracks.csv

    Tune first: vedette track detections.csv --sensors sensors.yaml --out tracks.csv --tune tuned.yaml

    The same tracks again: vedette track detections.csv --sensors sensors.yaml --out tracks.csv --config tuned.yaml
    """
    from vedette import track as verb

    verb.main(
        detections,
        sensors,
        poses,
        out,
        order=order,
        backend=filter_backend,
        registration=registration,
        config=config,
        tune=tune,
        quiet=quiet,
    )


@app.command()
@exit_codes
def score(
    tracks: Annotated[Path, typer.Argument(help="TRACKS.csv or .parquet.")],
    truth: Annotated[Path, typer.Argument(help="TRUTH.csv or .parquet.")],
    cutoff_m: Annotated[float, typer.Option("--cutoff-m", help="GOSPA and OSPA cutoff c.", min=0.001)] = 50.0,
) -> None:
    """Score tracks against the truth and print one JSON object.

    Example: vedette score tracks.csv truth.csv --cutoff-m 50
    """
    from vedette import score as verb

    verb.main(tracks, truth, cutoff_m)


@app.command()
@exit_codes
def convert(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    to: Annotated[Literal["csv", "parquet"], typer.Option("--to", help="Format of the tables.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="Folder to write to; default: the run folder.")] = None,
) -> None:
    """Write the tables of a recording again, as CSV or Parquet.

    Example: vedette convert runs/fpv_treeline-seed1 --to parquet
    """
    from vedette import convert as verb

    verb.main(run_folder, to, out)


app.add_typer(cli_detectors.detect, name="detect")
app.add_typer(cli_detectors.train, name="train")
app.command("evaluate-detector")(cli_detectors.evaluate_detector)
app.command("synth-emitters")(cli_detectors.synth_emitters)


@app.command()
@exit_codes
def batch(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SCENARIO]...", help="Default: the whole library.")
    ] = None,
    seeds: Annotated[str, typer.Option(help="Ranges and numbers, for example 1-20 or 1,5,9.")] = "1-2",
    out: Annotated[Path, typer.Option(help="Folder for the table and the runs.")] = Path("runs/batch"),
    jobs: Annotated[int, typer.Option(help="Runs at a time.", min=1, max=256)] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Keep journals and tables of every run.")] = False,
) -> None:
    """Run scenarios with many seeds and judge the figures: a table for people, batch.json for programs.

    Example: vedette batch swarm_12 fpv_treeline --seeds 1-20 --jobs 2
    """
    from vedette import batch as verb

    verb.main(names or (), seeds, out, jobs, keep=keep)


bench = typer.Typer(
    no_args_is_help=True, help="Measure speed and quality. Example: vedette bench core --scene swarm_10"
)
app.add_typer(bench, name="bench")


@bench.command()
@exit_codes
def core(
    scene: Annotated[
        list[str] | None, typer.Option("--scene", help="Committed scene or YAML file, repeatable; default: all.")
    ] = None,
    scans: Annotated[int | None, typer.Option(help="Shorten the scenes of one radar to so many scans.", min=2)] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the scenes; default: each scene's own.", min=0)] = None,
    no_peers: Annotated[bool, typer.Option("--no-peers", help="Measure ours alone.")] = False,
    peer_scans: Annotated[int, typer.Option(help="Scans that a peer gets of a scene at most.", min=2)] = 200,
    peer_limit_s: Annotated[
        float, typer.Option("--peer-limit-s", help="Seconds that a peer gets for a scene.", min=1.0)
    ] = 100.0,
    no_kernels: Annotated[bool, typer.Option("--no-kernels", help="Leave out marginals and filter step.")] = False,
    plots: Annotated[Path | None, typer.Option(help="Folder to draw plots into.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Run the tracking core and its peers (make peers) on the benchmark scenes: time a scan, GOSPA, id switches.

    Example: vedette bench core --scene spread_50_50 --scene swarm_10 --plots plots
    """
    from benchmarks.core.bench import Options
    from vedette import bench as verb

    options = Options(
        scenes=tuple(scene or ()),
        scans=scans,
        seed=seed,
        peers=not no_peers,
        peer_scans=peer_scans,
        peer_limit_s=peer_limit_s,
        kernels=not no_kernels,
    )
    verb.main(options, as_json=as_json, plots=plots, quiet=quiet)


@app.command()
@exit_codes
def validate(
    published: Annotated[
        Path | None, typer.Option(help="Table of published figures (CSV); default: the one that comes with Vedette.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of recordings (audio/, published/), for what needs them."),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the quantities that are modelled, and end.")] = False,
    gates: Annotated[bool, typer.Option("--gates/--no-gates", help="Run the acceptance gates after the table.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Check the models against published figures: expected, got, limit, source. Ends with 1 on a miss, 2 on a bad row.

    Example: vedette validate

    Your own table: vedette validate --published figures.csv --no-gates
    """
    from vedette import validate as verb

    if list_:
        verb.print_quantities()
    else:
        verb.main(published, data, gates=gates, as_json=as_json, quiet=quiet)


app.command()(exit_codes(synth))


@app.command()
@exit_codes
def scenarios() -> None:
    """List the scenario library, a line each.

    Example: vedette scenarios
    """
    from vedette import library as verb

    verb.print_scenarios()


@app.command()
@exit_codes
def catalogue(
    section: Annotated[str, typer.Argument(help="sensors, targets, platforms, fits or protection.")] = "sensors",
    name: Annotated[str | None, typer.Argument(help="One entry: print its file, with the grade of each value.")] = None,
) -> None:
    """List what a scenario can be built from, each entry with the source of its figures.

    Example: vedette catalogue sensors echodyne_echoshield
    """
    from vedette import library as verb

    verb.print_catalogue(section, name)


@app.command()
@exit_codes
def schema() -> None:
    """Print the JSON Schema of a scenario file (for editors and checks).

    Example: vedette schema > scenario.schema.json
    """
    from vedette import library as verb

    verb.print_schema()


def main() -> None:
    """Run the command line."""
    # A shell starts background jobs with SIGINT ignored; a run must end cleanly there as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    app()
