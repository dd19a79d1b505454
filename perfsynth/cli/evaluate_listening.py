"""``perfsynth evaluate listening``: a listening test to give to people, and what their answers say."""

from __future__ import annotations

import logging
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfsynth.cli import _io
from perfsynth.cli import _options as opt
from perfsynth.cli._item import make_folder
from perfsynth.cli._report import check_new
from perfsynth.cli.evaluate import evaluate
from perfsynth.errors import PerfsynthError, UsageError

if TYPE_CHECKING:
    from perfsynth.evaluate.listening.plan import Plan
    from perfsynth.evaluate.listening.questions import Question

listening = typer.Typer(
    name="listening",
    help="Listening tests: a page that asks people, and what their answers say.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
log = logging.getLogger("perfsynth")
LARGE_BYTES = 100_000_000  # of a page that phones may not open


class Method(StrEnum):
    """How sounds are judged."""

    rating = "rating"
    mushra = "mushra"
    ab = "ab"


class SoundFormat(StrEnum):
    """How sounds are embedded in the page."""

    ogg = "ogg"
    flac = "flac"


Systems = Annotated[
    list[Path], typer.Argument(metavar="DIR", help="A folder of audio for each system; a file's name is its piece.")
]
PageOutput = Annotated[str, typer.Option("--output", "-o", help="The page to write; -: stdout.")]
MethodOption = Annotated[Method, typer.Option(help="One sound at a time, all against a reference, or two.")]
Questions = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|TOML",
        help="What is asked: mos, performancenet, deep-performer, s2a-expressiveness, s2a-quality, mushra, preference, "
        "preference-performance, or a TOML file of questions.",
    ),
]
Reference = Annotated[Path | None, typer.Option(metavar="DIR", help="The folder of the reference.")]
Anchor = Annotated[
    list[float] | None, typer.Option(metavar="HZ", help="Low-pass anchors for MUSHRA; else 3500 and 7000.")
]
Title = Annotated[str, typer.Option(help="What listeners see at the top.")]
Instructions = Annotated[
    Path | None, typer.Option(metavar="TEXT", help="A text file of what to tell listeners first, in paragraphs.")
]
Length = Annotated[float | None, typer.Option(metavar="SECONDS", help="Only so much of each sound.")]
TestLoudness = Annotated[
    float, typer.Option(metavar="LUFS", help="Loudness of every sound; of all less where the peaks of one need it.")
]
TestRate = Annotated[int, typer.Option(metavar="HZ", help="Sample rate of every sound.")]
Embedded = Annotated[SoundFormat, typer.Option("--format", help="Ogg Vorbis, or lossless FLAC.")]
Headphones = Annotated[bool, typer.Option("--headphones/--no-headphones", help="Begin with a headphone check.")]
Ties = Annotated[bool, typer.Option("--ties/--no-ties", help="Let a preference be undecided.")]
MustHear = Annotated[
    float, typer.Option(metavar="SHARE", help="Of each sound before one may go on, 0 to 1; 0: it was played.")
]
PostUrl = Annotated[
    str, typer.Option(metavar="URL", help="Let listeners send their answers there; else nothing is sent.")
]
WebMushra = Annotated[Path | None, typer.Option(metavar="DIR", help="Write the same test for webMUSHRA too.")]


@_io.report(
    listening,
    "make",
    examples=(
        "perfsynth evaluate listening make deadpan/ model/ human/ -o test.html",
        "perfsynth evaluate listening make --method mushra --reference human/ model/ deadpan/ -o test.html",
    ),
)
def make(
    session: _io.Session,
    systems: Systems,
    output: PageOutput,
    method: MethodOption = Method.rating,
    questions: Questions = None,
    reference: Reference = None,
    anchor: Anchor = None,
    title: Title = "Listening test",
    instructions: Instructions = None,
    length: Length = None,
    loudness: TestLoudness = -23.0,
    sample_rate: TestRate = 44100,
    audio_format: Embedded = SoundFormat.ogg,
    headphones: Headphones = True,
    ties: Ties = True,
    must_hear: MustHear = 0.0,
    post_url: PostUrl = "",
    webmushra: WebMushra = None,
    seed: opt.Seed = 0,
    force: opt.Force = False,
) -> None:
    """Make a listening test: one HTML file with its sounds, which opens from disk and sends nothing."""
    from perfsynth.evaluate.listening.plan import make_plan
    from perfsynth.evaluate.listening.samples import Cut, collect

    _refuse(method, anchor, length, sample_rate)
    check_new(output, force=force)
    if webmushra is not None:
        _check_webmushra(webmushra, _name(output), method, force)
    asked = _questions(questions, method)
    anchors = anchor or (ANCHORS_HZ if method == Method.mushra and reference is not None else [])
    cut = Cut(sample_rate, length)
    with session.progress() as progress:
        item = _io.Item("-", output, seed, session, progress)
        progress.begin(Path(output).name)
        plan = make_plan(
            collect(systems, reference=reference, anchors_hz=anchors, cut=cut, progress=progress),
            method=method.value,
            questions=asked,
            title=title,
            seed=seed,
            cut=cut,
            loudness_lufs=loudness,
            instructions=_paragraphs(instructions),
            headphones=headphones,
            ties=ties,
            must_hear=must_hear,
            post_url=post_url,
        )
        _write(item, plan, audio_format, webmushra)


ANCHORS_HZ = [3500.0, 7000.0]  # ITU-R BS.1534-3, 5.1


def _write(item: _io.Item, plan: Plan, audio_format: SoundFormat, webmushra: Path | None) -> None:
    from perfsynth.evaluate.listening import webmushra as exporter
    from perfsynth.evaluate.listening.page import page
    from perfsynth.evaluate.listening.plan import uneven

    for line in uneven(plan):
        log.warning("%s long; listeners will tell versions apart by that", line)
    data = page(plan, sound_format=audio_format.value, progress=item.progress)
    item.write(data)
    if len(data) > LARGE_BYTES:
        log.warning("%s: %d MB, which phones may not open; see --length", item.target, len(data) // 10**6)
    item.session.say(
        f"{'<stdout>' if item.target == _io.STDOUT else item.target}: {len(plan.trials)} trials, {len(plan.stimuli)} "
        f"sounds at {plan.loudness_lufs:.1f} LUFS, {len(data) / 1e6:.1f} MB, test {plan.test_id}"
    )
    if webmushra is not None:
        try:
            written = exporter.export(plan, webmushra, name=_name(item.target), progress=item.progress)
        except OSError as error:
            raise PerfsynthError(f"{webmushra}: cannot be written ({error.strerror})") from error
        item.session.say(f"{written}: the same test for webMUSHRA")


def _name(output: str) -> str:
    """What the test is called where it is exported to."""
    return "listening" if output == _io.STDOUT else Path(output).stem


def _check_webmushra(folder: Path, name: str, method: Method, force: bool) -> None:
    from perfsynth.evaluate.listening.webmushra import target

    if method == Method.ab:
        raise UsageError("--webmushra: it has no page for preferences; export a rating or a MUSHRA test")
    config = target(folder, name)
    make_folder(config.parent)
    check_new(str(config), force=force)


def _refuse(method: Method, anchor: list[float] | None, length: float | None, sample_rate: int) -> None:
    if length is not None and not length > 0:
        raise UsageError(f"--length {length:g}: it must be above 0 s")
    if not 8000 <= sample_rate <= 48000:
        raise UsageError(f"--sample-rate {sample_rate}: it must lie between 8000 and 48000 Hz")
    if anchor and method != Method.mushra:
        raise UsageError("--anchor belongs to --method mushra; leave it out")


def _questions(given: str | None, method: Method) -> tuple[Question, ...]:
    from perfsynth.evaluate.listening.questions import PRESETS, preset, read_questions

    if given is not None and given not in PRESETS and Path(given).is_file():
        return read_questions(Path(given).read_bytes(), method.value, name=given)
    return preset(given, method.value)


def _paragraphs(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PerfsynthError(f"{path}: cannot be read as text ({error})") from error
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


# `analyse` adds itself to `listening`, and both to `evaluate`.
from perfsynth.cli import evaluate_listening_analyse  # noqa: E402, F401

evaluate.add_typer(listening)
