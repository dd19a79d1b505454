"""The options of a batch, the same in every stage command."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import Parameter
from typing import Annotated, Any

import typer

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
        if self.jobs < 0:
            raise UsageError(f"--jobs {self.jobs}: not a number of processes; 0 takes as many as there are cores")
        if self.cluster is not None and self.jobs != 1:
            raise UsageError("--jobs and --cluster exclude each other; the cluster's workers are counted where it is")


def _parameter(name: str, annotation: Any, default: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


PARAMETERS = (
    _parameter("manifest", Manifest, None),
    _parameter("jobs", Jobs, 1),
    _parameter("shard", Shard, None),
    _parameter("cluster", Cluster, None),
    _parameter("failures", Failures, None),
    _parameter("results", Results, None),
)
NAMES = tuple(parameter.name for parameter in PARAMETERS)
