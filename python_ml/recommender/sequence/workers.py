"""Several processes that train one network: each takes a part of every step's users.

A process knows of the others through `torch.distributed` alone, whoever started them: torchrun, on one
machine or several, or `in_processes` on this one. Without a group a process is the first of one, and nothing
of this file touches a number.

Tried on processors with gloo; with NCCL, one device for each process, the calls are the same.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
import torch
from torch import distributed
from torch.multiprocessing import ProcessExitedException, ProcessRaisedException, start_processes

from python_ml.errors import DeviceError, ModelError
from python_ml.recommender.watch import Watch

# The others wait while the first judges. Who dies is noticed by who started them, not by waiting.
PATIENCE = timedelta(days=1)
POLL_SECONDS = 0.2

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Workers:
    """The processes that train together.

    Args:
        rank: which of them this one is, from 0.
        count: how many there are.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def here(cls) -> "Workers":
        """As `torch.distributed` knows them; one where it was not started."""
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return cls()

    @property
    def is_first(self) -> bool:
        """Whether this is the process that judges, logs and writes."""
        return self.rank == 0

    def part(self, users: np.ndarray) -> np.ndarray:
        """This process's users of a step. They are dealt out: sorted by size, all get some long histories."""
        return users[self.rank :: self.count]

    def tell(self, value: Value) -> Value:
        """What the first process says, for all of them; what the others would say is not looked at.

        Args:
            value: anything that can be pickled, tensors on the CPU.
        """
        if self.count == 1:
            return value
        told = [value if self.is_first else None]
        distributed.broadcast_object_list(told, src=0, device=torch.device("cpu"))
        return told[0]

    def add_up(self, parameters: Iterable[torch.nn.Parameter], loss: torch.Tensor) -> torch.Tensor:
        """Sum the gradients over the processes, in place, and return the sum of the losses.

        Args:
            parameters: of the network; who has no gradient adds zeros.
            loss: scalar.
        """
        if self.count == 1:
            return loss
        parameters = list(parameters)
        given = [torch.zeros_like(each) if each.grad is None else each.grad for each in parameters]
        # One message: the loss costs no second round.
        flat = torch.cat([loss.detach().reshape(1), *(gradient.reshape(-1) for gradient in given)])
        distributed.all_reduce(flat)
        total, *summed = flat.split([1, *(each.numel() for each in parameters)])
        for parameter, gradient in zip(parameters, summed, strict=True):
            parameter.grad = gradient.view_as(parameter)
        return total[0]


@contextmanager
def with_torchrun(device: torch.device) -> Iterator[torch.device]:
    """Meet the other processes that torchrun started, for as long as the context is open.

    Args:
        device: where one process alone would train; it stays that of a process torchrun did not start.

    Yields:
        The device of this process: each process of a machine has a CUDA device of its own.

    Raises:
        DeviceError: torchrun started more processes than there are devices.
    """
    if not distributed.is_available() or not distributed.is_torchelastic_launched():
        yield device
        return
    local_rank = distributed.get_node_local_rank()
    if device.type not in ("cuda", "cpu") or (
        device.type == "cuda" and local_rank >= torch.cuda.device_count()
    ):
        raise DeviceError(
            f"no device of type {device.type} for process {local_rank} of this machine",
            where="torchrun --nproc-per-node",
            remedy="start one process for each CUDA device, or name the device cpu",
        )
    yield _join(device, local_rank)
    distributed.destroy_process_group()


def check_workers(count: int, device: torch.device) -> None:
    """Refuse processes that would have no device.

    Raises:
        DeviceError: there are fewer CUDA devices, one of them was asked for, or the device cannot be shared.
    """
    where = "setting `transformer_workers`"
    if device.type not in ("cuda", "cpu"):
        raise DeviceError(f"{count} processes on {device.type}", where=where, remedy="set it to 1")
    if device.type == "cuda" and device.index:
        raise DeviceError(
            f"{count} processes, and `device` names {device}",
            where=where,
            remedy='set it to 1, or `device` to "cuda" and CUDA_VISIBLE_DEVICES to the devices to use',
        )
    if device.type == "cuda" and count > torch.cuda.device_count():
        raise DeviceError(
            f"{count} processes, and {torch.cuda.device_count()} CUDA devices", where=where, remedy="lower it"
        )


def in_processes(
    work: Callable[..., None], count: int, device: torch.device, watch: Watch, given: dict[str, Any]
) -> None:
    """Call a function in new processes that know of each other, and wait until all of them have returned.

    Args:
        work: a function of a module, called with `device`, `watch` and what is given.
        count: how many processes.
        device: "cpu", or "cuda", of which each process gets a device of its own.
        watch: hears what the first process says.
        given: more keyword arguments, which are copied to each process.

    Raises:
        DeviceError: see `check_workers`.
        ModelError: one of them failed; the others are ended.
    """
    check_workers(count, device)
    said = multiprocessing.get_context("spawn").SimpleQueue()
    with TemporaryDirectory() as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        arguments = (work, meeting, count, device, torch.get_num_threads(), said, given)
        started = start_processes(_begin, arguments, nprocs=count, join=False, start_method="spawn")
        failed: list[str] = []
        try:
            _wait(started, said, watch, failed)
        except (ProcessExitedException, ProcessRaisedException) as error:
            failed += [what[0] for kind, *what in _rest(said) if kind == "failed"]
            raise ModelError(
                f"one of {count} training processes failed: {(failed or [str(error)])[0]}",
                where="training of the transformer",
                remedy="run again, which goes on from the checkpoint, or set transformer_workers to 1",
            ) from error
        finally:
            for process in started.processes:
                process.kill()
                process.join()


def _wait(started: Any, said: Any, watch: Watch, failed: list[str]) -> None:
    """Pass on what is said until all have returned; `failed` gets the reasons of those who do not."""
    counters: list[Callable[[int, int], None]] = []
    hear = {
        "start": lambda what: counters.append(watch.start(what)),
        "count": lambda done, total: counters[-1](done, total),
        "tell": watch.tell,
        "failed": failed.append,
    }
    over = False
    while not over:
        over = started.join(timeout=POLL_SECONDS)
        for kind, *what in _rest(said):
            hear[kind](*what)


def _rest(said: Any) -> Iterator[tuple]:
    while not said.empty():
        yield said.get()


def _begin(
    rank: int,
    work: Callable[..., None],
    meeting: str,
    count: int,
    device: torch.device,
    threads: int,
    said: Any,
    given: dict[str, Any],
) -> None:
    if device.type == "cpu":
        torch.set_num_threads(max(threads // count, 1))

    def start(what: str) -> Callable[[int, int], None]:
        said.put(("start", what))
        return lambda done, total: said.put(("count", done, total))

    with ExitStack() as leaving:
        # Before the others lose touch and fail as well: the first reason is the one that counts.
        leaving.push(
            lambda kind, error, _: said.put(("failed", f"{kind.__name__}: {error}")) if kind else None
        )
        device = _join(device, rank, init_method=meeting, rank=rank, world_size=count)
        work(device=device, watch=Watch(start=start, tell=lambda line: said.put(("tell", line))), **given)
        distributed.destroy_process_group()


def _join(device: torch.device, local_rank: int, **meeting: Any) -> torch.device:
    on_cuda = device.type == "cuda"
    if on_cuda:
        device = torch.device("cuda", local_rank)
        torch.cuda.set_device(device)
    # Gradients go by NCCL, what the first process tells by gloo.
    backend = "cpu:gloo,cuda:nccl" if on_cuda else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE, **meeting)
    return device
