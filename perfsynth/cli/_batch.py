"""Batches, for every stage alike: from what was asked to items, through an executor, to rows and an exit code."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from time import perf_counter
from typing import Any

from perfsynth.batch import shard, storage, worker
from perfsynth.batch.claim import claim, part
from perfsynth.batch.cluster import Cluster
from perfsynth.batch.executors import Executor, ThisProcess
from perfsynth.batch.manifest import Row, columns, read_rows, relocated, write_rows
from perfsynth.batch.outcome import Outcome, Status, Tally
from perfsynth.batch.processes import Processes
from perfsynth.cli._batch_options import Batch
from perfsynth.cli._batch_report import Watch, summarise
from perfsynth.cli._item import STDIN, Item, Session, check_file, listen, log, make_folder, streams
from perfsynth.cli._progress import Progress
from perfsynth.errors import BatchError, InputError, PerfsynthError, UsageError


@dataclass(frozen=True)
class Job:
    """One item with all that is needed to work on it anywhere."""

    function: Callable[..., None]
    sources: tuple[str, ...]
    target: str
    options: dict[str, Any]
    seed: int
    force: bool
    skip_existing: bool
    session: Session
    folder: str  # that relative paths start from
    new: bool = False  # whether its result was not there when the batch began
    output: str = ""  # its place in the folder of the results, without a suffix

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return "<stdin>" if self.sources[0] == STDIN else self.sources[0]


@dataclass(frozen=True)
class Notebook(Session):
    """A session in another process: what it has to tell travels back with the outcome."""

    lines: list[str] = field(default_factory=list)

    def tell(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(line)


def rows_of(manifest: str, stage: str) -> list[Row]:
    """The rows of a manifest for a stage.

    Raises
    ------
    PerfsynthError
        When it cannot be read.
    """
    return read_rows(*lines_of(manifest), columns(stage), parent(manifest))


def lines_of(manifest: str) -> tuple[list[str], str]:
    """The lines of a manifest, and what to call it in messages.

    Raises
    ------
    PerfsynthError
        When it cannot be read.
    """
    if manifest == STDIN:
        return sys.stdin.read().splitlines(), "<stdin>"
    try:
        return storage.read(manifest).decode("utf-8").splitlines(), manifest
    except UnicodeDecodeError as error:
        raise PerfsynthError(f"{manifest}: cannot be read (it is not UTF-8 text)") from error


def parent(manifest: str | None) -> str:
    """The folder or store that paths in a manifest are relative to."""
    if not manifest or manifest == STDIN:
        return "."
    return manifest.rpartition("/")[0] if storage.is_url(manifest) else str(Path(manifest).parent)


def targets_of(rows: list[Row], out_dir: str, suffix: str) -> list[str]:
    """Where the results of a batch go.

    Raises
    ------
    UsageError
        When two of them would be the same file.
    """
    targets = [str(PurePosixPath(row.target(suffix))) for row in rows]
    twice = next((target for target, number in Counter(targets).items() if number > 1), None)
    if twice is not None:
        raise UsageError(f"--out-dir: two inputs would both be written to {twice}; give them ids, or run them apart")
    return [storage.join(out_dir, target) for target in targets]


def run(
    jobs: list[Job], rows: list[Row], stage: str, how: Batch, session: Session,
    then: Callable[[list[str]], None] = lambda results: None,
) -> None:  # fmt: skip
    """Work on this shard of a batch; an item that fails leaves the others alone. `then` gets what is there.

    Raises
    ------
    UsageError
        When the options mean nothing, as the first item shows that gets so far.
    BatchError
        When items failed.
    """
    mine = shard.take(list(zip(jobs, rows, strict=True)), how.shard)
    outcomes: dict[int, Outcome] = {}
    tally = Tally(len(mine))
    for folder in sorted({Path(job.target).parent for job, _ in mine if not storage.is_url(job.target)}):
        make_folder(folder)
    for path in filter(None, (how.failures, how.results)):
        check_file(path)
        if how.shard is not None and _same(path, how.manifest):
            raise UsageError(f"{path}: has the rows of all shards; name another file for those of one")
    with _recorded([row for _, row in mine], [job for job, _ in mine], outcomes, stage, how, session):
        _work([job for job, _ in mine], outcomes, tally, how, session)
    then([mine[index][0].target for index, outcome in sorted(outcomes.items()) if outcome.status != "failed"])
    summarise(tally, session)
    if tally.failed:
        others = ", the others are done" if tally.failed < tally.total else ""
        raise BatchError(f"{tally.failed} of {tally.total} inputs failed{others}")


def _work(jobs: list[Job], outcomes: dict[int, Outcome], tally: Tally, how: Batch, session: Session) -> None:
    there = {index for index, job in enumerate(jobs) if job.skip_existing and storage.exists(job.target)}
    pending = [index for index in range(len(jobs)) if index not in there]
    for index in there:
        outcomes[index] = Outcome("skipped")
        tally.add(outcomes[index])
    number = min(how.jobs or worker.cores(), len(pending))
    remote = how.cluster is not None or number > 1
    if remote and any(STDIN in job.sources for job in jobs):
        raise UsageError("a batch on several processes cannot read stdin; name the file")
    with Watch.on_stderr(tally, session, items=not remote) as watch:
        executor: Executor = ThisProcess()
        if remote:
            executor = Cluster(how.cluster) if how.cluster is not None else Processes(number)
        work = elsewhere if remote else partial(_attempt, session=session, progress=watch.progress)
        # A process killed between finishing and saying so leaves a result behind, which is no reason to fail.
        todo = [replace(jobs[index], new=not storage.exists(jobs[index].target)) for index in pending]
        try:
            with closing(executor.run(work, todo)) as answers:
                for answer in answers:
                    index = pending[answer.index]
                    outcome = answer.result or _lost(jobs[index], answer.error, session)
                    if outcome.exit_code == UsageError.exit_code:
                        if not (tally.done or tally.skipped):
                            outcomes.clear()
                            raise UsageError(outcome.error)
                        session.fail(UsageError(f"{jobs[index].name}: {outcome.error}"), outcome.exit_code)
                    for line in outcome.lines:
                        session.tell(line)
                    outcomes[index] = outcome
                    tally.add(outcome)
                    watch.update()
        finally:
            _sweep([jobs[index].target for index in pending if index not in outcomes])


def _sweep(targets: list[str]) -> None:
    """Remove what workers that were ended at a bad moment left half done; what another run is at stays."""
    for target in targets:
        path = Path(target).resolve()
        if not storage.is_url(target) and part(path).exists():
            with claim(path):
                pass


@contextmanager
def _recorded(
    rows: list[Row], jobs: list[Job], outcomes: dict[int, Outcome], stage: str, how: Batch, session: Session
) -> Iterator[None]:
    """Write the manifests of what is there and of what failed, however the batch ends."""
    try:
        yield
    except KeyboardInterrupt:
        session.say(f"perfsynth: {len(outcomes)} of {len(jobs)} done; run it again with --skip-existing for the rest")
        raise
    finally:
        if outcomes or not jobs:  # else nothing came of it, and what an earlier batch has written holds
            _record(rows, jobs, outcomes, stage, how)


def _record(rows: list[Row], jobs: list[Job], outcomes: dict[int, Outcome], stage: str, how: Batch) -> None:
    old, reads = parent(how.manifest), columns(stage)
    made: dict[str, list[dict[str, Any]]] = {"failed": [], "there": []}
    paths = {"failed": how.failures, "there": how.results}
    again = _same(how.failures, how.manifest)
    for index, (row, job) in enumerate(zip(rows, jobs, strict=True)):
        outcome = outcomes.get(index)
        if outcome is None:
            made["failed"] += [row.fields] if again else []  # not reached, and still to be done
        elif outcome.status == "failed":
            kept = {name: value for name, value in (row.fields or row.onward(reads)).items() if name != "error"}
            made["failed"].append(relocated(kept, old, Path(how.failures or "").parent) | {"error": outcome.error})
        elif outcome.status == "done" or storage.is_url(job.target) or Path(job.target).exists():  # else another's
            kept = {name: value for name, value in row.onward(reads).items() if name != "error"}
            new = Path(how.results or "").parent
            made["there"].append(relocated(kept, old, new) | relocated({reads.makes: job.target}, ".", new))
    for kind, path in paths.items():
        if path is not None:
            write_rows(Path(path), made[kind])


def _same(file: str | None, manifest: str | None) -> bool:
    """Whether a file to write is the manifest that is read."""
    if file is None or manifest in (None, STDIN) or storage.is_url(manifest or ""):
        return False
    return Path(file).resolve() == Path(manifest or "").resolve()


def elsewhere(job: Job) -> Outcome:
    """Work on an item in a process that serves a batch."""
    worker.own_cache()
    flags = job.session
    session = Notebook(flags.as_json, flags.quiet, flags.verbose)
    listen(session)
    try:
        os.chdir(job.folder)
    except OSError as error:
        reason = f"{job.folder}: not to be reached from a worker ({error.strerror}); its machine has to share the files"
        return Outcome("failed", error=reason, exit_code=1, lines=(f"perfsynth: {job.name}: {reason}",))
    outcome = _attempt(job, session=session, progress=Progress())
    return replace(outcome, lines=tuple(session.lines))


def _attempt(job: Job, *, session: Session, progress: Progress) -> Outcome:
    """Work on an item, whatever it may do: an error is an outcome."""
    started = perf_counter()
    try:
        status = process(job, session, progress)
    except UsageError as error:  # told where it is known whether any other item is done
        return Outcome("failed", perf_counter() - started, error=str(error), exit_code=error.exit_code)
    except PerfsynthError as error:
        session.fail(error, error.exit_code)
        return Outcome("failed", perf_counter() - started, error=str(error), exit_code=error.exit_code)
    except Exception as error:  # noqa: BLE001 - a defect that one item brings out must not cost the others theirs
        text = f"{job.name}: defect: {type(error).__name__}: {error}"
        failure = PerfsynthError(text)
        failure.__cause__ = error
        session.fail(failure, 1)
        return Outcome("failed", perf_counter() - started, error=" ".join(text.split()), exit_code=1)
    size = storage.size(job.target) if status == "done" else 0
    return Outcome(status, perf_counter() - started, size)


def _lost(job: Job, error: BaseException | None, session: Session) -> Outcome:
    """The outcome of an item whose process did not come back."""
    failure = PerfsynthError(f"{job.name}: {error}")
    session.fail(failure, failure.exit_code)
    return Outcome("failed", error=str(failure), exit_code=failure.exit_code)


def process(job: Job, session: Session, progress: Progress) -> Status:
    """Work on one item.

    Raises
    ------
    PerfsynthError
        When it fails, or its result is there and may be neither overwritten nor skipped.
    """
    progress.begin(Path(job.sources[0]).name)
    settled: Status = "done" if job.new and not job.skip_existing else "skipped"
    if storage.is_url(job.target):
        if _is_settled(job):
            return settled
        _convert(job, session, progress)
        return "done"
    target = Path(job.target)
    if streams(job.target):
        _convert(job, session, progress)
        return "done"
    if target.is_dir():
        raise UsageError(f"{target}: is a folder; name a file, or use --out-dir")
    if _is_settled(job):
        return settled
    with claim(target.resolve()) as held:
        if not held:
            if not job.skip_existing:
                raise PerfsynthError(f"{target}: another process is writing it; wait, or name another file")
            log.info("%s: another process is at it, skipped", target)
            return "skipped"
        if _is_settled(job):  # it may have come between looking and claiming
            return settled
        _convert(job, session, progress)
    return "done"


def _is_settled(job: Job) -> bool:
    """Whether there is nothing to do because the result is there."""
    exists = storage.exists(job.target)
    if exists and not (job.skip_existing or job.force or job.new):
        raise PerfsynthError(f"{job.target}: already there; --force overwrites it")
    return exists and (job.skip_existing or job.new)


def _convert(job: Job, session: Session, progress: Progress) -> None:
    """Run a command on one item; an error that does not say which file it is about gets its name."""
    item = Item(job.sources[0], job.target, job.seed, session, progress, job.sources[1:], job.force, job.output)
    try:
        job.function(item, **job.options)
    except InputError as error:
        if str(error).startswith(tuple(part.name for part in item.each())):
            raise
        raise InputError(f"{item.name}: {error}") from error
