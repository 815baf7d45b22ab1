"""How fast the recommender trains and serves: beside RecTools' SASRec, `implicit` and a bare matrix product.

`SPEED_ROUNDS=1 SPEED_SEQUENCES=600 SPEED_LISTS=1000 make bench NAME=recommender_speed` tries it on less.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import torch
from scipy import sparse

from benchmarks.published import published_files
from benchmarks.results import Figure, record
from benchmarks.sequences import SOURCE, read_sequences
from dagster_defs.paths import PROJECT_ROOT
from python_ml.config import RecommenderConfig
from python_ml.recommender.als import Als, is_installed
from python_ml.recommender.arrange import Arrangement
from python_ml.recommender.sequence.sequences import LeaveOneOut, Sequences
from python_ml.recommender.sequence.train_sequence import SequenceTrainSettings, train_transformer
from python_ml.recommender.sequence.transformer import TransformerSettings
from python_ml.recommender.serve import VECTOR_BLOCKS, serve
from python_ml.recommender.watch import Watch

ROUNDS, SEQUENCES, LISTS = 3, 6_400, 20_000
ITEMS, DIMENSIONS, OWNED, LENGTH = 100_000, 64, 20, 20
BATCH_OF_IMPLICIT = 1_000
SHAPE = {
    "dimension": 64, "blocks": 2, "heads": 2, "length": 50, "dropout": 0.2, "batch_users": 128,
    "negatives": 128, "learning_rate": 0.001, "epochs": 3, "threads": psutil.cpu_count(),
}  # fmt: skip
ABOUT = (
    f"Each line is a process of its own with all cores, {ROUNDS} rounds in turn, median; in brackets the"
    " smallest and largest round, and of times the ratios round by round. Training: Shoal's causal"
    f" transformer and RecTools' SASRec, {SEQUENCES:,} histories of Amazon Beauty (leave-one-out, drawn at"
    " random, seed 0), 64 dimensions, 2 blocks, 2 heads, the latest 50 items, 128 users a step, sampled"
    " softmax with 128 negatives, dropout 0.2, Adam, float32, the second and third of three epochs: imports,"
    " preparation of the data and the first epoch are not counted, drawing negatives and laying out batches"
    " are. Shoal shares a step's negatives among its positions and asks each position for the next three"
    " items, as it does in shops; RecTools draws negatives for every position and asks for the next one. A"
    " position is one item that is read with one that came next. Lists: the best 20 of 100,000 items of"
    " which the user does not have 20, for a sample of"
    f" {LISTS:,} users (seed 0), vectors of 64 float32 numbers: Shoal by `serve`, as published, of its `als`"
    " in blocks of 128 users; implicit by `recommend` in batches of 1,000, one BLAS thread under its own"
    " threads, as it asks for; the matrix product alone of Shoal's blocks. A million users take 1,000,000 by"
    " users per second. Peak memory is that of the process, libraries included; beyond the vectors, of what"
    " the lists took. Needs the published file under SHOP_TEST_DATA, `.venv/bin/pip install -c"
    " constraints.txt -e '.[bench]'`, and RECTOOLS_PYTHON, an interpreter that has RecTools."
)
WITHOUT_RECTOOLS = (
    "RECTOOLS_PYTHON is not set: training is measured of Shoal alone. RecTools needs an environment of its"
    " own, Python 3.11: `python3.11 -m venv ../rectools`, then `../rectools/bin/pip install torch==2.13.0"
    " 'rectools[torch]==0.19.0'`, and RECTOOLS_PYTHON=../rectools/bin/python"
)


@dataclass(frozen=True, slots=True)
class Trained:
    """One training.

    Args:
        seconds: of all epochs but the first.
        sequences, positions: what was trained on in that time.
        peak: memory of the process, bytes.
    """

    seconds: float
    sequences: int
    positions: int
    peak: int


@dataclass(frozen=True, slots=True)
class Served:
    """The lists of all users.

    Args:
        seconds: to make them.
        peak: memory of the process, bytes.
        beyond: what it held at most beyond what it held before, bytes.
        lists: of the first users.
    """

    seconds: float
    peak: int
    beyond: int
    lists: list[list[int]]


def main() -> None:
    if not is_installed():
        raise SystemExit("implicit is not installed: .venv/bin/pip install -c constraints.txt -e '.[bench]'")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sequences.npz"
        write_sequences(file, _asked("SPEED_SEQUENCES", SEQUENCES))
        figures = compare_training(file)
    record("recommender_speed", ABOUT, figures + compare_lists(_asked("SPEED_LISTS", LISTS)))


def _asked(variable: str, usual: int) -> int:
    return int(os.environ.get(variable, usual))


def write_sequences(file: Path, users: int) -> None:
    """User and item of a sample of histories, in order, numbered anew."""
    train = LeaveOneOut.of(read_sequences(published_files() / SOURCE)).train
    drawn = np.random.default_rng(0).permutation(np.flatnonzero(train.size > 1))[:users]
    sample = train.take(drawn)
    np.savez(file, user=sample.user, item=np.unique(sample.item, return_inverse=True)[1])


def compare_training(file: Path) -> list[Figure]:
    """Sequences and positions per second of both, in turn."""
    ours = [sys.executable, "-m", "benchmarks.recommender_speed", "train", str(file)]
    commands = {"Shoal": ours}
    if rectools := os.environ.get("RECTOOLS_PYTHON"):
        script = str(Path(__file__).with_name("rectools_child.py"))
        commands = {"RecTools": [rectools, script, str(file), json.dumps(SHAPE)]} | commands
    else:
        print(WITHOUT_RECTOOLS, flush=True)
    runs = {case: [Trained(**run) for run in told] for case, told in _in_turn(commands, {}).items()}
    figures = []
    for case, trained in runs.items():
        case = f"training: {case}"
        figures += [
            _figure("sequences per second", case, [run.sequences / run.seconds for run in trained]),
            _figure("positions per second", case, [run.positions / run.seconds for run in trained]),
            _figure("peak memory, GiB", case, [run.peak / 2**30 for run in trained]),
        ]
    if "RecTools" in runs:
        rates = {case: [run.positions / run.seconds for run in trained] for case, trained in runs.items()}
        figures.append(_times("RecTools", rates, "training: Shoal"))
    return figures


def compare_lists(users: int) -> list[Figure]:
    """Users per second of all, in turn, and whether lists are the same."""
    child = [sys.executable, "-m", "benchmarks.recommender_speed", "lists"]
    commands = {case: [*child, case, str(users)] for case in ("matrix product alone", "implicit", "Shoal")}
    runs = {
        case: [Served(**run) for run in told]
        for case, told in _in_turn(commands, {"implicit": {"OPENBLAS_NUM_THREADS": "1"}}).items()
    }
    rates = {case: [users / run.seconds for run in served] for case, served in runs.items()}
    figures = []
    for case, served in runs.items():
        figures += [
            _figure("users per second", f"lists: {case}", rates[case]),
            _figure("peak memory, GiB", f"lists: {case}", [run.peak / 2**30 for run in served]),
            _figure(
                "memory beyond the vectors, GiB", f"lists: {case}", [run.beyond / 2**30 for run in served]
            ),
        ]
    figures += [_times(peer, rates, "lists: Shoal") for peer in ("implicit", "matrix product alone")]
    same = np.array(runs["Shoal"][0].lists) == np.array(runs["implicit"][0].lists)
    return [*figures, Figure(metric="places as of implicit", case="lists: Shoal", value=float(same.mean()))]


def _in_turn(commands: dict[str, list[str]], environment: dict[str, dict[str, str]]) -> dict[str, list[dict]]:
    """What each child said, round by round."""
    told: dict[str, list[dict]] = {case: [] for case in commands}
    rounds = _asked("SPEED_ROUNDS", ROUNDS)
    for number in range(rounds):
        for case, command in commands.items():
            given = os.environ | environment.get(case, {})
            done = subprocess.run(
                command, cwd=PROJECT_ROOT, env=given, check=False, capture_output=True, text=True
            )
            if done.returncode:
                raise SystemExit(f"{case} failed:\n{done.stderr[-2000:]}")
            told[case].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"  round {number + 1} of {rounds}: {case} {told[case][-1]['seconds']:.1f} s", flush=True)
    return told


def _figure(metric: str, case: str, values: list[float]) -> Figure:
    return Figure(
        metric=metric, case=case, value=statistics.median(values), lower=min(values), upper=max(values)
    )


def _times(peer: str, rates: dict[str, list[float]], case: str) -> Figure:
    ratios = [ours / theirs for ours, theirs in zip(rates["Shoal"], rates[peer], strict=True)]
    return _figure(f"times {peer}", case, ratios)


def train(file: Path) -> Trained:
    """Shoal's transformer, the first epoch not counted."""
    torch.set_num_threads(SHAPE["threads"])
    arrays = np.load(file)
    user, item = arrays["user"], arrays["item"]
    histories = Sequences.listed(user, item, n_users=int(user.max()) + 1, n_items=int(item.max()) + 1)
    settings = SequenceTrainSettings(
        network=TransformerSettings(
            **{name: SHAPE[name] for name in ("dimension", "heads", "blocks", "length", "dropout")}
        ),
        members=1,
        patience=SHAPE["epochs"],
        **{name: SHAPE[name] for name in ("epochs", "batch_users", "negatives", "learning_rate")},
    )
    ended: list[float] = []
    watch = Watch(tell=lambda _: ended.append(time.perf_counter()))
    train_transformer(histories, settings, seed=0, device=torch.device("cpu"), watch=watch)
    read = histories.tail(SHAPE["length"] + 1).size
    counted = len(list(pairwise(ended)))
    return Trained(
        seconds=ended[-1] - ended[0],
        sequences=counted * int((read > 1).sum()),
        positions=counted * int(np.maximum(read - 1, 0).sum()),
        peak=_peak(),
    )


def make_lists(case: str, users: int) -> Served:
    """The lists of one way, after those of a few users that are not counted."""
    draw = np.random.default_rng(0)
    user_factors = draw.standard_normal((users, DIMENSIONS), dtype=np.float32)
    item_factors = draw.standard_normal((ITEMS, DIMENSIONS), dtype=np.float32)
    owner = np.repeat(np.arange(users), OWNED)
    values = np.ones(len(owner), np.float32), (owner, draw.integers(0, ITEMS, len(owner)))
    owned = sparse.csr_matrix(values, shape=(users, ITEMS))
    ask = WAYS[case](user_factors, item_factors, owned)
    ask(np.arange(min(users, BATCH_OF_IMPLICIT)))
    before, started = psutil.Process().memory_info().rss, time.perf_counter()
    lists = ask(np.arange(users))
    seconds, peak = time.perf_counter() - started, _peak()
    return Served(seconds, peak, peak - before, lists[:50].tolist())


Ask = Callable[[np.ndarray], np.ndarray]


def _by_shoal(user_factors: np.ndarray, item_factors: np.ndarray, owned: sparse.csr_matrix) -> Ask:
    model = Als(owned, torch.from_numpy(user_factors), torch.from_numpy(item_factors), 1.0)
    may = np.ones(ITEMS, bool)
    plan, block = Arrangement(length=LENGTH), RecommenderConfig().block_users

    def ask(users: np.ndarray) -> np.ndarray:
        return serve(model, users, owned, may, list_name="discover", plan=plan, block_users=block).items

    return ask


def _by_implicit(user_factors: np.ndarray, item_factors: np.ndarray, owned: sparse.csr_matrix) -> Ask:
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(factors=DIMENSIONS)
    model.user_factors, model.item_factors = user_factors, item_factors

    def ask(users: np.ndarray) -> np.ndarray:
        found = [
            model.recommend(batch, owned[batch], N=LENGTH, filter_already_liked_items=True)[0]
            for batch in np.split(users, range(BATCH_OF_IMPLICIT, len(users), BATCH_OF_IMPLICIT))
        ]
        return np.concatenate(found)

    return ask


def _by_product(user_factors: np.ndarray, item_factors: np.ndarray, owned: sparse.csr_matrix) -> Ask:
    del owned
    factors, others = torch.from_numpy(user_factors), torch.from_numpy(item_factors)
    buffer = torch.empty(VECTOR_BLOCKS * RecommenderConfig().block_users, ITEMS)

    def ask(users: np.ndarray) -> np.ndarray:
        for block in torch.from_numpy(users).split(len(buffer)):
            torch.mm(factors[block], others.T, out=buffer[: len(block)])
        return np.empty((0, LENGTH))

    return ask


WAYS = {"Shoal": _by_shoal, "implicit": _by_implicit, "matrix product alone": _by_product}


def _peak() -> int:
    """The most memory this process ever held, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    done = train(Path(given[0])) if what == "train" else make_lists(given[0], int(given[1]))
    print(json.dumps(asdict(done)))
