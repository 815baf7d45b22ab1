"""Who looks on while models are trained."""

from collections.abc import Callable
from dataclasses import dataclass


def _uncounted(_what: str) -> Callable[[int, int], None]:
    return lambda _done, _total: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who is told how trainings get on.

    Args:
        start: called once a training with what it counts, for example "steps of the transformer"; what it
            returns is called with (done, total). `done` need not start at 0: a training may go on from a
            checkpoint.
        tell: called with a sentence, for example after each epoch.
    """

    start: Callable[[str], Callable[[int, int], None]] = _uncounted
    tell: Callable[[str], None] = lambda _: None


UNWATCHED = Watch()
