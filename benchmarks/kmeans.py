"""k-means of ten million users: full and by mini-batch, beside scikit-learn on the same machine in one run.

`USERS=1000000 make bench NAME=kmeans` measures fewer; the points lie in a file under SCALE_FOLDER meanwhile.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch
from sklearn.cluster import KMeans, MiniBatchKMeans

from benchmarks.results import Figure, record
from dagster_defs.paths import PROJECT_ROOT
from python_ml.cohorts.kmeans import KMeansFit, assign_to_centres, fit_kmeans, fit_minibatch_kmeans
from python_ml.device import resolve_device

USERS, DIMENSIONS, GROUPS, CLUSTERS = 10_000_000, 64, 50, 50
SMALL_USERS, SMALL_CLUSTERS = 2_000, 8
PASSES, BATCH = 20, 4096
WRITE_ROWS = 2**18
MATMUL_SIDE = 8192
ABOUT = (
    "Users x 64 float32 numbers, a mixture of 50 normal groups whose sizes fall as 1 / rank and whose means"
    " have standard deviation 1 as the users around them have; 50 clusters. Each line is a process of its own"
    " with all cores. Same start: the same 50 users, 20 passes of Lloyd, no tolerance. From nothing:"
    " k-means++ and the default tolerance, scikit-learn with at most 100 passes, Shoal by a sample of 131,072"
    " users and then at most 20 passes of all. Mini-batch: the same start, batches of 4,096, as many as make"
    " one pass,"
    " then everybody assigned. scikit-learn works on the points in place (copy_x=False). Memory is the most a"
    " process held beyond the points, sampled twenty times a second. Times scikit-learn is its seconds by"
    " Shoal's (above 1: Shoal is faster). Small: 2,000 users, 8 clusters, 10 restarts. GPU, where there is"
    " one: comparisons of a user with a centre per second, points already there, and the share of the speed"
    " of a float32 matrix product of side 8,192."
)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a way of clustering came to: inertia and passes (or batches)."""

    inertia: float
    iterations: int


def main() -> None:
    users = int(os.environ.get("USERS", USERS))
    figures = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("SCALE_FOLDER")) as folder:
        points, small = Path(folder) / "points.npy", Path(folder) / "small.npy"
        write_points(points, users)
        write_points(small, SMALL_USERS)
        for case in ("same start", "from nothing", "mini-batch"):
            figures += _compare(case, points, f"{_words(users)}, {case}")
        figures += _compare("small", small, f"{SMALL_USERS:,}, small")
        if torch.cuda.is_available():
            figures += _measure_gpu(points, f"{_words(users)}, GPU")
    record("kmeans", ABOUT, figures)


def write_points(path: Path, users: int) -> None:
    """float32 (users, DIMENSIONS), by parts: twice the points need not fit into memory."""
    rng = np.random.default_rng(0)
    means = rng.standard_normal((GROUPS, DIMENSIONS), dtype=np.float32)
    shares = 1.0 / np.arange(1, GROUPS + 1)
    points = np.lib.format.open_memmap(path, "w+", np.float32, (users, DIMENSIONS))
    for start in range(0, users, WRITE_ROWS):
        part = points[start : start + WRITE_ROWS]
        part[:] = rng.standard_normal(part.shape, dtype=np.float32)
        part += means[rng.choice(GROUPS, len(part), p=shares / shares.sum())]
    points.flush()


def _compare(case: str, points: Path, words: str) -> list[Figure]:
    theirs, ours = (_child(case, who, points) for who in ("scikit-learn", "Shoal"))
    return _said(
        Figure(metric="seconds, scikit-learn", case=words, value=theirs["seconds"]),
        Figure(metric="seconds, Shoal", case=words, value=ours["seconds"]),
        Figure(metric="times scikit-learn", case=words, value=theirs["seconds"] / ours["seconds"]),
        Figure(metric="passes, scikit-learn", case=words, value=theirs["iterations"]),
        Figure(metric="passes, Shoal", case=words, value=ours["iterations"]),
        Figure(metric="inertia by scikit-learn's", case=words, value=ours["inertia"] / theirs["inertia"]),
        Figure(metric="memory, scikit-learn, GiB", case=words, value=theirs["memory"] / 2**30),
        Figure(metric="memory, Shoal, GiB", case=words, value=ours["memory"] / 2**30),
    )


def _said(*figures: Figure) -> list[Figure]:
    for figure in figures:
        print(f"  {figure.case}: {figure.metric} {figure.value:,.4f}", flush=True)
    return list(figures)


def _child(case: str, who: str, points: Path) -> dict:
    command = [sys.executable, "-m", "benchmarks.kmeans", case, who, str(points)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def child(case: str, who: str, path: Path) -> dict:
    """One way of clustering, measured: seconds, memory beyond the points, inertia, iterations."""
    points_NS = np.load(path)
    cluster = WAYS[case, who]
    cluster(points_NS[:2000].copy())  # libraries load, threads start
    with _Memory() as memory:
        started = time.perf_counter()
        found = cluster(points_NS)
        seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "memory": memory.most,
        "inertia": float(found.inertia),
        "iterations": found.iterations,
    }


class _Memory:
    """The most this process held beyond what it held at the start, in bytes."""

    def __enter__(self) -> "_Memory":
        self._process, self._over = psutil.Process(), threading.Event()
        self._before, self.most = self._process.memory_info().rss, 0
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self.most = max(self.most, self._process.memory_info().rss - self._before)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def _fitted(found: KMeans | KMeansFit) -> Fitted:
    if isinstance(found, KMeansFit):
        return Fitted(found.inertia, found.iterations)
    return Fitted(found.inertia_, found.n_iter_)


def _theirs_same(points_NS: np.ndarray) -> Fitted:
    start = {"init": points_NS[:CLUSTERS].copy(), "n_init": 1, "max_iter": PASSES, "tol": 0.0}
    return _fitted(KMeans(CLUSTERS, algorithm="lloyd", copy_x=False, **start).fit(points_NS))


def _ours_same(points_NS: np.ndarray) -> Fitted:
    start = {"init": points_NS[:CLUSTERS].copy(), "max_iterations": PASSES, "tolerance": 0.0}
    return _fitted(fit_kmeans(points_NS, CLUSTERS, device=resolve_device("cpu"), seed=0, **start))


def _theirs_free(points_NS: np.ndarray) -> Fitted:
    model = KMeans(CLUSTERS, n_init=1, max_iter=100, algorithm="lloyd", copy_x=False, random_state=0)
    return _fitted(model.fit(points_NS))


def _ours_free(points_NS: np.ndarray) -> Fitted:
    options = {"device": resolve_device("cpu"), "seed": 0, "max_iterations": PASSES}
    return _fitted(fit_kmeans(points_NS, CLUSTERS, **options))


def _theirs_batches(points_NS: np.ndarray) -> Fitted:
    # As many batches as make one pass, none of its reasons to stop before or to move a small cluster.
    steps = {"max_iter": 1, "tol": 0.0, "max_no_improvement": None, "reassignment_ratio": 0.0}
    start = {"init": points_NS[:CLUSTERS].copy(), "n_init": 1, "random_state": 0}
    found = MiniBatchKMeans(CLUSTERS, batch_size=BATCH, **steps, **start).fit(points_NS)
    return Fitted(found.inertia_, found.n_steps_)


def _ours_batches(points_NS: np.ndarray) -> Fitted:
    options = {"batch": BATCH, "steps": len(points_NS) // BATCH, "init": points_NS[:CLUSTERS].copy()}
    return _fitted(fit_minibatch_kmeans(points_NS, CLUSTERS, device=resolve_device("cpu"), seed=0, **options))


def _theirs_small(points_NS: np.ndarray) -> Fitted:
    return _fitted(KMeans(SMALL_CLUSTERS, n_init=10, random_state=0).fit(points_NS))


def _ours_small(points_NS: np.ndarray) -> Fitted:
    return _fitted(fit_kmeans(points_NS, SMALL_CLUSTERS, device=resolve_device("cpu"), seed=0, restarts=10))


WAYS: dict[tuple[str, str], Callable[[np.ndarray], Fitted]] = {
    ("same start", "scikit-learn"): _theirs_same,
    ("same start", "Shoal"): _ours_same,
    ("from nothing", "scikit-learn"): _theirs_free,
    ("from nothing", "Shoal"): _ours_free,
    ("mini-batch", "scikit-learn"): _theirs_batches,
    ("mini-batch", "Shoal"): _ours_batches,
    ("small", "scikit-learn"): _theirs_small,
    ("small", "Shoal"): _ours_small,
}


def _measure_gpu(path: Path, words: str) -> list[Figure]:
    device = resolve_device("cuda")
    points_NS = torch.from_numpy(np.load(path)).to(device)
    start_CS = points_NS[:CLUSTERS].cpu().numpy()
    options = {"device": device, "seed": 0, "init": start_CS, "tolerance": 0.0}
    fit = _seconds(lambda: fit_kmeans(points_NS, CLUSTERS, max_iterations=PASSES, **options))
    assign = _seconds(lambda: assign_to_centres(points_NS, start_CS, device=device))
    compared = len(points_NS) * CLUSTERS * (PASSES + 1)  # the last pass assigns
    square = torch.randn(MATMUL_SIDE, MATMUL_SIDE, device=device)
    peak = 2 * MATMUL_SIDE**3 / _seconds(lambda: square @ square)
    return _said(
        Figure(metric="seconds, Shoal", case=words, value=fit),
        Figure(metric="comparisons per second", case=words, value=compared / fit),
        Figure(metric="share of matmul", case=words, value=2 * DIMENSIONS * compared / fit / peak),
        Figure(metric="assigning, users per second", case=words, value=len(points_NS) / assign),
    )


def _seconds(work: Callable[[], object]) -> float:
    """Of the second time, to its end on the device."""
    work()
    torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - started


def _words(users: int) -> str:
    return f"{users / 1_000_000:g} M"


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], sys.argv[2], Path(sys.argv[3]))))
