"""A batch on a cluster: Dask's distributed scheduler, wherever its workers run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from perfsynth.batch.executors import Answer
from perfsynth.errors import MissingError, PerfsynthError, UsageError

T = TypeVar("T")
R = TypeVar("R")
TIMEOUT_S = 10  # to find the scheduler


class Cluster:
    """See `perfsynth.batch.executors.Executor`. Tasks and results travel; files have to be shared by the machines."""

    def __init__(self, address: str) -> None:
        self.address = address

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> Generator[Answer[R], None, None]:
        """See `Executor`.

        Raises
        ------
        MissingError
            When Dask is not installed, or no scheduler answers.
        UsageError
            When the address is none.
        """
        client = self._connect()
        from distributed import as_completed

        futures: list[Any] = []
        try:
            # Not pure: two equal tasks are two tasks.
            futures = client.map(work, tasks, pure=False)
            indices = {future.key: index for index, future in enumerate(futures)}
            for future in as_completed(futures, loop=client.loop):
                yield _answer(indices[future.key], future)
        finally:
            client.cancel(futures)
            client.close()

    def _connect(self) -> Any:
        try:
            from distributed import Client
            from distributed.comm import resolve_address
        except ImportError as error:
            raise MissingError("--cluster needs Dask: pip install 'perfsynth[dask]'") from error
        try:
            resolve_address(self.address)  # a client that refuses an address prints a traceback as it dies
            return Client(self.address, timeout=TIMEOUT_S, set_as_default=False)
        except ValueError as error:
            raise UsageError(
                f"--cluster {self.address}: no address of a scheduler, as 10.0.0.1:8786 ({error})"
            ) from error
        except (OSError, TimeoutError) as error:
            raise MissingError(
                f"--cluster {self.address}: no Dask scheduler answers ({error}); start one with: dask scheduler"
            ) from error


def _answer(index: int, future: Any) -> Answer:
    from distributed.scheduler import KilledWorker

    try:
        error = future.exception()
    except CancelledError as cancelled:
        error = PerfsynthError(f"the scheduler has gone ({cancelled}); run it again to do the rest")
    if isinstance(error, KilledWorker):
        error = PerfsynthError(f"the workers at it died too often ({error.last_worker}), killed or out of memory")
    return Answer(index, None if error else future.result(), error)
