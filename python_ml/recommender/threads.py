"""Sparse products on two threads: scipy lets go of the interpreter while it multiplies."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

WORKERS = 2

Result = TypeVar("Result")


def map_blocks(work: Callable[[slice], Result], count: int, block: int) -> list[Result]:
    """Do work on consecutive blocks of rows.

    Args:
        work: called with each block's slice, from several threads.
        count: number of rows.
        block: rows in a block; the last one may be shorter.

    Returns:
        The results in the order of the rows.
    """
    slices = [slice(start, min(start + block, count)) for start in range(0, count, block)]
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, slices))
