"""lingnan inspection ..."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from inspection.config import Overlays

if TYPE_CHECKING:
    from inspection.layouts.base import Refusal
    from inspection.regions.corrections import Correction
    from inspection.regions.relearn import Learned

app = App(name="inspection", help="Surface defects (D1) and defects in three dimensions (D2).")
app.command(
    "inspection.generate.commands:generate",
    name="generate",
    help="Put defects of a chosen kind onto pictures of good parts; write samples with masks.",
)
app.command(
    "inspection.generate.commands:generate_train",
    name="generate-train",
    help="Train a generator network on masked defects of your own, into one ONNX file.",
)
app.command(
    "inspection.sim.commands:station",
    name="station",
    help="Set up a simulated station: take pictures of its parts, with masks, and of its target.",
)
app.command(
    "inspection.sim.commands:relief_station",
    name="relief-station",
    help="Measure parts by a simulated height sensor: maps, truth, and what the sensor blurs.",
)
app.command(
    "inspection.sim.commands:exposures",
    name="exposures",
    help="Expose a simulated part with and without strobe, for several times, and as it passes.",
)
app.command(
    "inspection.imaging.commands:strobe",
    name="strobe",
    help="Take the room light out of IMAGES of one scene, exposed with strobe and without.",
)
app.command(
    "inspection.imaging.commands:hdr",
    name="hdr",
    help="Fuse IMAGES of one scene, exposed for different times, into one radiance.",
)
app.command(
    "inspection.imaging.commands:events",
    name="events",
    help="Tell where and when the light changed over IMAGES, as an event camera would.",
)
app.command(
    "inspection.headpath:clearance",
    name="clearance",
    help="Tell how far a moving head stays clear of a measured part; refuse what comes nearer.",
)
app.command(
    "inspection.relief.commands:relief",
    name="relief",
    help="Find flaws in three dimensions on every HEIGHTMAP.",
)
app.command(
    "inspection.relief.commands:relief_sensor",
    name="relief-sensor",
    help="Measure what a height sensor does sideways, on maps of steps and of gauge blocks.",
)
app.command(
    "inspection.migrate.commands:survey",
    name="survey",
    help="Write into JOB what is known of the station it was taught on, so that it can be moved.",
)
app.command(
    "inspection.migrate.commands:migrate",
    name="migrate",
    help="Make JOB run on another station, from one picture of the target and some good parts "
    "there.\n\nLight or exposure that is to be set first is told, and how; so is why a job cannot "
    "be moved. A target without mirrors, here or in the survey, tells nothing of a leaning lamp.",
)
app.command(
    "inspection.sorting.cli:sort", name="sort", help="Sort parts on a belt through a PLC (D2)."
)
app.command(
    "inspection.sorting.cli:plc_sim", name="plc-sim", help="Serve the simulated sorting PLC."
)

Layout = Literal["deeppcb", "mvtec", "magnetic-tile", "kolektor", "yolo", "folder"]
OnError = Literal["refuse", "skip"]
AsJson = Annotated[bool, Parameter(name="--json", negative="")]
Edge = Annotated[float, Parameter(validator=Number(gt=0, lt=1e6))]  # um; a metre is no pixel
Count = Annotated[int, Parameter(validator=Number(gte=0))]
Share = Annotated[float, Parameter(validator=Number(gt=0, lt=1))]
# `-` for standard output begins with a hyphen
JsonFile = Annotated[Path | None, Parameter(name="--json", allow_leading_hyphen=True)]


@app.command
def teach(
    data: Path,
    *,
    layout: Layout,
    job: Path,
    method: Literal["auto", "golden", "anomaly", "segment"] = "auto",
    good_only: bool = False,
    on_error: OnError = "refuse",
    miss_target: Share = 0.003,
    false_target: Share = 0.01,
    corrections: Path | None = None,
) -> None:
    """Learn a part from the samples in DATA and write one job file.

    Parameters
    ----------
    data:
        Folder of samples.
    layout:
        How the folder is laid out.
    job:
        The job file to write.
    method:
        auto: golden where every sample has its golden image, else anomaly.
    good_only:
        Learn from good parts alone, though the folder holds defects.
    on_error:
        refuse stops at the first sample that is not what the layout says; skip counts it.
    miss_target:
        The threshold is chosen so that the miss rate's 95 % upper bound holds this.
    false_target:
        The same for the false rate, where there are good parts only.
    corrections:
        A corrections.jsonl of `correct` or of the service, learned on top of the samples.
    """
    from common.progress import progress
    from inspection.job import can_be_written
    from inspection.layouts.table import reader
    from inspection.teach import Wish
    from inspection.teach import teach as learn

    can_be_written(job)
    said = None if corrections is None else _corrections(corrections)
    read = reader(layout)(data, on_error)
    with progress() as tell:
        made = learn(read, Wish(method, good_only, miss_target, false_target), tell)
    learned = None
    if said is not None:
        from inspection.regions.retrain import retrain as learn_anew

        made, learned = learn_anew(made, said)
    made.save(job)
    _skipped(read.skipped)
    told = made.statistics
    print(f"{job}: {made.kind}, taught on {told['n_images']} images of {told['n_parts']} parts.")
    print(f"Threshold {made.threshold['value']:.6g}: {told['threshold']}.")
    if learned is not None:
        _print_learned(learned)


def _corrections(file: Path) -> list[Correction]:
    """Read before any work is done, so that a wrong file is told at once."""
    from inspection.regions.corrections import read

    return read(file)


def _print_learned(learned: Learned) -> None:
    print(f"Corrections learned from: {learned.corrections}.")
    for reason in learned.untaken:
        print(f"  not learned: {reason}")
    if learned.named is not None:
        print(f"  corrected regions named as corrected: {learned.named:.1%}")
    if learned.refused is not None:
        print(f"  false alarms refused: {learned.refused:.1%}")
    print(f"  of what the job knew, as before: {learned.kept:.1%}")
    print(f"  threshold {learned.threshold:.6g}")


@app.command
def evaluate(
    data: Path,
    *,
    layout: Layout,
    job: Path,
    json: JsonFile = None,
    on_error: OnError = "refuse",
    include_taught: bool = False,
    report: Path | None = None,
    evidence: Literal["simulated", "public-data", "real-hardware"] | None = None,
    miss_target: Share = 0.003,
    false_target: Share = 0.01,
) -> None:
    """Judge a job on the labelled samples in DATA.

    Parameters
    ----------
    data:
        Folder of labelled samples.
    layout:
        How the folder is laid out.
    job:
        The job file.
    json:
        Write the figures to this file, - for standard output.
    on_error:
        refuse stops at the first sample that is not what the layout says; skip counts it.
    include_taught:
        Judge the very images too that the job was taught on; without it they are left out.
    report:
        New folder for a report to be signed: miss and false rate with bounds and verdicts, the
        pictures that were misjudged, the hashes of the job and of every file that was judged.
    evidence:
        Where the samples come from, as the report says it; needed with --report.
    miss_target:
        The miss rate that the report judges by.
    false_target:
        The false rate that the report judges by.
    """
    from contextlib import nullcontext
    from time import perf_counter

    from common.acceptance.document import now
    from common.acceptance.own import reserved
    from common.errors import LingnanError
    from common.outputs import check_output
    from common.progress import progress
    from inspection.evaluate import evaluate as judge
    from inspection.job import Job
    from inspection.layouts.table import reader

    if (report is None) != (evidence is None):
        raise LingnanError("--report and --evidence belong together: say where the parts come from")
    if json is not None and json != Path("-"):
        check_output(json, job)
    loaded = Job.load(job)
    read = reader(layout)(data, on_error)
    started, began = now(), perf_counter()
    with nullcontext() if report is None else reserved(report):
        with progress() as tell:
            scores, judged = judge(read, loaded, tell, include_taught=include_taught)
        _skipped(read.skipped)
        _print_scores(scores.to_json(), json)
        if report is not None and evidence is not None:
            from inspection.signed import Terms
            from inspection.signed import report as write

            terms = Terms(evidence, miss_target, false_target)
            seconds = perf_counter() - began
            digest = write(report, job, data, scores, judged, terms, started, seconds)
            aside = sys.stderr if json == Path("-") else sys.stdout
            print(f"report: {report / 'index.html'}", file=aside)
            print(f"SHA-256 of acceptance.json: {digest}", file=aside)


@app.command
def run(
    source: str,
    *,
    job: Path,
    out: Path,
    reference: Path | None = None,
    um_per_px: Edge | None = None,
    overlays: Overlays = "defects",
    limit: Count | None = None,
    json: AsJson = False,
) -> int:
    """Inspect SOURCE; write one line of results an image, and pictures of what was found.

    Exit 0: every image has its decision; 1: some were refused, each named, now or by the run that
    this one goes on from.

    Parameters
    ----------
    source:
        An image, a folder, a video, an .mcap recording or a camera's config (.json).
    job:
        The job file.
    out:
        Folder for results.jsonl and overlays; a run that was interrupted goes on there.
    reference:
        The golden image, for jobs that compare; `X_temp` beside `X_test` is found by itself.
    um_per_px:
        Edge of a pixel on the part in micrometres, so that sizes are told in micrometres.
    overlays:
        Which pictures to write.
    limit:
        Stop after so many images.
    json:
        Print the summary as JSON.
    """
    import json as codec

    from common.progress import progress
    from inspection.config import InspectionConfig
    from inspection.run import run as inspect

    config = InspectionConfig(job=job, reference=reference, um_per_px=um_per_px, overlays=overlays)
    with progress() as tell:
        tally = inspect(source, config, out, tell, limit)
    if json:
        print(codec.dumps(tally.to_json(), indent=1, ensure_ascii=False))
        return int(bool(tally.refused))
    for line in tally.refused:
        print(f"refused: {line}")
    print(
        f"{tally.n_images} inspected in {tally.seconds:.1f} s, {tally.n_defective} defective, "
        f"{tally.n_refused} refused, {tally.n_resumed} were done before; results in {out}"
    )
    return int(bool(tally.refused))


@app.command
def correct(
    results: Path,
    *,
    image: str,
    kind: str,
    region: Count | None = None,
    missed: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Say what a region of RESULTS truly is; the correction is appended to corrections.jsonl there.

    Parameters
    ----------
    results:
        A run's folder, or its results.jsonl.
    image:
        The image as the results name it.
    kind:
        What the region truly is: point, scratch, stain, a kind of your own, or good.
    region:
        Its number in the image's list, from 0.
    missed:
        Instead of --region: a defect of this kind is on the image and was not found.
    """
    from common.errors import LingnanError
    from inspection.regions.corrections import FILE
    from inspection.regions.corrections import correct as append

    if missed == (region is not None):
        raise LingnanError("name either a --region or, for a defect that was not found, --missed")
    made = append(results, image, region, kind)
    folder = results if results.is_dir() else results.parent
    print(f"{image}: {made.was} -> {made.kind}; written to {folder / FILE}")


@app.command
def retrain(job: Path, *, corrections: Path, out: Path) -> None:
    """Teach JOB anew from corrections, into another job file.

    Parameters
    ----------
    job:
        The job that was corrected; it stays as it is.
    corrections:
        A corrections.jsonl that `correct` wrote.
    out:
        The new job file.
    """
    from common.errors import LingnanError
    from inspection.job import Job, can_be_written
    from inspection.regions.retrain import retrain as learn

    if out.exists():
        raise LingnanError(f"{out} is there already: name a new file for the job")
    can_be_written(out)
    made, learned = learn(Job.load(job), _corrections(corrections))
    made.save(out)
    print(f"{out}:")
    _print_learned(learned)


@app.command
def photometric(
    images: Path,
    *,
    lights: Path,
    out: Path,
    um_per_px: Edge = 1000.0,
    solve_gains: bool = False,
) -> None:
    """Albedo, normals and curvature from IMAGES of one scene under known lights.

    Parameters
    ----------
    images:
        Folder of images of one size, taken without moving the camera or the part.
    lights:
        JSON {"file.png": [x, y, z], ...} or CSV lines file,x,y,z: unit vectors towards the light of
        each image; x to the right, y down the rows, z towards the camera. Four lights at least,
        five or more so that highlights are told from shading.
    out:
        Folder for albedo.png, normals.png (16 bit), curvature.png and maps.npz.
    um_per_px:
        Edge of a pixel in micrometres, the scale of the curvature; without it a pixel is 1 mm.
    solve_gains:
        Take the lights' intensities as unknown and solve them from the images.
    """
    from common.lock import alone
    from inspection.imaging.folder import read_images, read_lights, write_maps

    directions = read_lights(lights)
    shots = read_images(images, directions)
    with alone(out):
        found = write_maps(shots, directions, out, um_per_px, solve_gains)
    print(f"{len(directions)} images of {found.width_px} x {found.height_px} px; maps in {out}")
    if solve_gains:
        for name, gain in zip(directions, found.gains, strict=True):
            print(f"{name:>24}  intensity {gain:.3f}")


@app.command
def demo(*, port: int = 8765) -> None:
    """Show a simulated belt, heights and sorting bins in the dashboard until Ctrl-C.

    The address to open, with its token, is printed once; it is reached from this machine alone.

    Parameters
    ----------
    port:
        Port to listen on; 0 takes a free one.
    """
    from common.directions import Direction
    from common.errors import LingnanError
    from common.service.run import serve

    if not 0 <= port <= 65535:
        raise LingnanError(f"--port must be within 0..65535, got {port}")
    serve(port=port, directions=(Direction("inspection", "inspection"),))


def _skipped(refusals: tuple[Refusal, ...]) -> None:
    for refusal in refusals:
        print(f"skipped: {refusal.path}: {refusal.reason}", file=sys.stderr)


def _print_scores(values: dict[str, object], target: Path | None) -> None:
    import json as codec

    text = codec.dumps(values, indent=1)
    if target == Path("-"):
        print(text)
        return
    if target is not None:
        target.write_text(text + "\n", encoding="utf-8")
    for name, value in values.items():
        if value is not None:
            print(
                f"{name:>16}  {value:.4g}" if isinstance(value, float) else f"{name:>16}  {value}"
            )
