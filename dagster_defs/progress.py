"""Progress of long work, in the run's log: done, speed, time left."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

BAR_WIDTH = 20


@dataclass(kw_only=True)
class Progress:
    """Callback of python_ml: called with (done, total), writes a line every few seconds.

    Speed and time left are of what was done since the first call: work that goes on from a checkpoint starts
    with some of it done.

    Args:
        what: what is being counted, for example "texts embedded".
        write: where a line goes, for example `context.log.info`.
        every_seconds: the shortest time between two lines.
        clock: seconds that only grow; tests pass their own.
    """

    what: str
    write: Callable[[str], None]
    every_seconds: float = 5.0
    clock: Callable[[], float] = time.monotonic
    _started: float | None = field(default=None, init=False)
    _done_before: int = field(default=0, init=False)
    _last: float = field(default=float("-inf"), init=False)

    def __call__(self, done: int, total: int) -> None:
        now = self.clock()
        if self._started is None:
            self._started, self._done_before = now, done
        if done < total and now - self._last < self.every_seconds:
            return
        self._last = now
        self.write(self._line(done, total, now - self._started))

    def _line(self, done: int, total: int, seconds: float) -> str:
        share = done / total if total else 1.0
        filled = round(share * BAR_WIDTH)
        bar = "█" * filled + "░" * (BAR_WIDTH - filled)
        line = f"{bar} {share:4.0%}  {done:,} of {total:,} {self.what}"
        if done > self._done_before and seconds > 0:
            rate = (done - self._done_before) / seconds
            line += f", {rate:,.1f}/s" if rate < 100 else f", {rate:,.0f}/s"
            if done < total:
                line += f", {(total - done) / rate:,.0f} s left"
        return line
