"""What Amazon's customers buy next, against the published sequential recommenders."""

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.published import published_files
from benchmarks.results import Figure, record
from python_ml.config import RecommenderConfig
from python_ml.device import resolve_device
from python_ml.recommender.bootstrap import Bootstrap
from python_ml.recommender.item_attributes import ItemAttributes
from python_ml.recommender.sequence.blend_sequence import SequenceBlend, choose_blend
from python_ml.recommender.sequence.judge_next import (
    NextScorer,
    hit_of,
    ndcg_of,
    next_item_judge,
    target_ranks,
)
from python_ml.recommender.sequence.sequences import LeaveOneOut, Sequences
from python_ml.recommender.sequence.sequential_knn import (
    SequentialKnn,
    SequentialKnnSettings,
    choose_settings,
)
from python_ml.recommender.sequence.train_sequence import SequenceTrainSettings, train_transformer
from python_ml.recommender.watch import Watch

FOLDER, HISTORIES, ATTRIBUTES = "seqrec_beauty", "Beauty.txt.gz", "Beauty_item2attributes.json.gz"
SEEDS = (0, 1, 2)
JUDGED_USERS = 10_000
# The settings of shops, with epochs for patience to run out before them.
CONFIG = RecommenderConfig(transformer_epochs=100)
MEASURES = {"HR@10": hit_of, "NDCG@10": ndcg_of}
ABOUT = (
    "Amazon Beauty, 5-core of 2014 as published with S3-Rec: 22,363 users, 12,101 items, in the order of the"
    " file, which has no times. Leave-one-out: the last item of every user is the test, and the whole"
    " catalogue but the user's history is ranked. Items have the attributes published with them (categories"
    " and brands, 3.7 an item), which the transformer knows, but where the table says that it does not."
    " Parameters are fitted on all but the last two items; settings, epoch and blend are chosen on the second"
    " to last. In brackets the 95 % interval over users. Transformer and blend are means over seeds"
    " 0 to 2, with the intervals of each user's mean; `from` and `to` are the lowest and the highest seed."
    " Best published so, without attributes: NDCG@10 .0531, HR@10 .0928. SHOP_TEST_DATA names the"
    " folder of the published files."
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One fitted model on the test items.

    Args:
        rank: (U,) int64 ranks of the targets.
        seconds: to fit it, choices included.
    """

    rank: np.ndarray
    seconds: float


def main() -> None:
    folder = published_files() / FOLDER
    sequences = read_sequences(folder / HISTORIES)
    attributes = read_attributes(folder / ATTRIBUTES, sequences.n_items)
    record("sequences", ABOUT, measure(LeaveOneOut.of(sequences), attributes))


def read_sequences(path: Path) -> Sequences:
    """A line for each user: the user's number, then those of the items, from 1, in order."""
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    items = [np.array(line.split()[1:], np.int64) - 1 for line in lines]
    user = np.repeat(np.arange(len(items)), [len(each) for each in items])
    item = np.concatenate(items)
    return Sequences.listed(user, item, n_users=len(items), n_items=int(item.max()) + 1)


def read_attributes(path: Path, n_items: int) -> ItemAttributes:
    """By the item's number, from 1, the numbers of its attributes, from 1."""
    found = json.loads(gzip.decompress(path.read_bytes()))
    return ItemAttributes.listed(
        [[number - 1 for number in found.get(str(item + 1), ())] for item in range(n_items)]
    )


def measure(split: LeaveOneOut, attributes: ItemAttributes) -> list[Figure]:
    """Every figure of the three models, those that can know attributes with them and without."""
    knn, on_knn = timed(lambda: fit_knn(split), split)
    nothing = ItemAttributes.listed([()] * len(attributes.of_item))
    return [
        *figures_of("sequential kNN", [on_knn]),
        *with_attributes(split, attributes, knn, on_knn, ""),
        *with_attributes(split, nothing, knn, on_knn, ", no attributes"),
    ]


def with_attributes(
    split: LeaveOneOut, attributes: ItemAttributes, knn: SequentialKnn, on_knn: Measured, suffix: str
) -> list[Figure]:
    """The transformer and its blend with the kNN, over all seeds."""
    on_transformer, on_blend = [], []
    for seed in SEEDS:
        network, measured = timed(lambda: fit_transformer(split, attributes, seed), split)  # noqa: B023, called at once
        on_transformer.append(measured)
        _, blended = timed(lambda: fit_blend(split, knn, network, seed), split)  # noqa: B023
        seconds = on_knn.seconds + measured.seconds + blended.seconds
        on_blend.append(Measured(blended.rank, seconds))
    return [
        *figures_of(f"transformer{suffix}", on_transformer),
        *figures_of(f"blend of both{suffix}", on_blend),
    ]


def fit_knn(split: LeaveOneOut) -> SequentialKnn:
    start = SequentialKnnSettings(length=CONFIG.sequence_length, window=CONFIG.sequence_window)
    settings, quality = choose_settings(split.train, split.validation, start)
    print(f"sequential kNN: validation NDCG@10 {quality:.5f} with {settings}", flush=True)
    return SequentialKnn.fit(split.train, settings)


def fit_transformer(split: LeaveOneOut, attributes: ItemAttributes, seed: int) -> NextScorer:
    judge = next_item_judge(split.validation, JUDGED_USERS, seed)
    model, progress = train_transformer(
        split.train,
        SequenceTrainSettings.of(CONFIG),
        seed=seed,
        device=resolve_device("auto"),
        attributes=attributes,
        judge=judge,
        watch=Watch(tell=lambda line: print(line, flush=True)),
    )
    print(f"transformer, seed {seed}: validation NDCG@10 {max(progress.quality):.5f}", flush=True)
    return model


def fit_blend(split: LeaveOneOut, knn: NextScorer, network: NextScorer, seed: int) -> SequenceBlend:
    settings, quality = choose_blend(knn, network, split.validation, seed=seed)
    print(f"blend, seed {seed}: validation NDCG@10 {quality:.5f} with {settings}", flush=True)
    return SequenceBlend(knn, network, settings)


def timed(fit: Callable[[], NextScorer], split: LeaveOneOut) -> tuple[NextScorer, Measured]:
    """Fit, then rank the test items; only the fit is timed."""
    started = time.perf_counter()
    model = fit()
    seconds = time.perf_counter() - started
    return model, Measured(target_ranks(model, split.test), seconds)


def figures_of(case: str, runs: list[Measured]) -> list[Figure]:
    """Means over seeds of one model, with intervals over users."""
    figures = []
    for metric, measure_of in MEASURES.items():
        each = np.stack([measure_of(run.rank) for run in runs])
        value, lower, upper = Bootstrap(0).intervals(each.mean(axis=0)[None])[0].tolist()
        figures.append(Figure(metric=metric, case=case, value=value, lower=lower, upper=upper))
        if len(runs) > 1:
            for word, seed_mean in (("from", each.mean(axis=1).min()), ("to", each.mean(axis=1).max())):
                figures.append(Figure(metric=f"{metric}, {word}", case=case, value=float(seed_mean)))
    seconds = float(np.mean([run.seconds for run in runs]))
    return [*figures, Figure(metric="seconds to fit", case=case, value=seconds)]
