"""Training in several processes, as ``torchrun`` starts them: the same weights everywhere, gradients averaged.

Gradients are averaged here, not by ``DistributedDataParallel``: a task may then step several networks in any order,
call any of their methods and ask for gradients of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

PATIENCE = timedelta(hours=2)  # of the processes that wait while the first one validates


@dataclass(frozen=True)
class Process:
    """This process among those of the run."""

    rank: int
    size: int
    device: str

    @property
    def is_first(self) -> bool:
        """Whether it is the one that validates, logs and writes."""
        return self.rank == 0

    def most(self, value: int) -> int:
        """The largest of the processes' values."""
        if self.size == 1:
            return value
        largest = torch.tensor(value, device=self.device)
        torch.distributed.all_reduce(largest, torch.distributed.ReduceOp.MAX)
        return int(largest)

    def mean(self, figures: dict[str, float]) -> dict[str, float]:
        """The mean over the processes; all of them have the same keys."""
        if self.size == 1:
            return figures
        values = torch.tensor(list(figures.values()), dtype=torch.float32, device=self.device)
        torch.distributed.all_reduce(values)
        return dict(zip(figures, (values / self.size).tolist(), strict=True))

    def share(self, network: nn.Module) -> None:
        """Give every process the weights of the first."""
        if self.size > 1:
            for value in network.state_dict().values():
                torch.distributed.broadcast(value, 0)

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Average gradients over the processes; a parameter that none of them used keeps none."""
        if self.size == 1:
            return
        parameters = list(parameters)
        used = torch.tensor([p.grad is not None for p in parameters], dtype=torch.float32, device=self.device)
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([used, *(g.reshape(-1).float() for g in gradients)])
        torch.distributed.all_reduce(flat)
        sizes = [p.numel() for p in parameters]
        flags, *parts = torch.split(flat / self.size, [len(parameters), *sizes])
        for parameter, part, flag in zip(parameters, parts, flags.tolist(), strict=True):
            if flag:
                parameter.grad = _like(part, parameter)


def _like(part: Tensor, parameter: nn.Parameter) -> Tensor:
    return part.view_as(parameter).to(parameter.dtype).clone()


@contextmanager
def joined(device: str) -> Iterator[Process]:
    """Join the processes that torchrun started, if it did, for as long as the block lasts; blocks may be nested."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Process(0, 1, device)
        return
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    outermost = not torch.distributed.is_initialized()
    if outermost:
        torch.distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=PATIENCE)
    try:
        yield Process(torch.distributed.get_rank(), size, device)
    finally:
        if outermost:
            torch.distributed.destroy_process_group()
