"""The options of a batch, the same in every stage command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from perfsynth.cli import _options as opt
from perfsynth.errors import UsageError

Manifest = Annotated[
    str | None, typer.Option(metavar="JSONL", help="Rows that name the inputs, and the results if they want; -: stdin.")
]
Jobs = Annotated[int, typer.Option(metavar="N", help="Processes to work on several inputs; 0: as many as cores.")]
Shard = Annotated[str | None, typer.Option(metavar="I/N", help="Do the I-th of N shares, as in 3/16.")]
Cluster = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers do the batch.")]
Failures = Annotated[
    str | None, typer.Option(metavar="JSONL", help="Manifest to write of what failed and why, to run again.")
]
Results = Annotated[
    str | None, typer.Option(metavar="JSONL", help="Manifest to write of what is there, for the next stage.")
]


@dataclass(frozen=True)
class Batch:
    """How to go about several inputs."""

    manifest: str | None = None
    jobs: int = 1
    shard: str | None = None
    cluster: str | None = None
    failures: str | None = None
    results: str | None = None

    def __post_init__(self) -> None:
        """Check that the options go together."""
        opt.check_jobs(self.jobs)
        if self.cluster is not None and self.jobs != 1:
            raise UsageError("--jobs and --cluster exclude each other; the cluster's workers are counted where it is")


PARAMETERS = (
    opt.parameter("manifest", Manifest),
    opt.parameter("jobs", Jobs, 1),
    opt.parameter("shard", Shard),
    opt.parameter("cluster", Cluster),
    opt.parameter("failures", Failures),
    opt.parameter("results", Results),
)
NAMES = tuple(parameter.name for parameter in PARAMETERS)
