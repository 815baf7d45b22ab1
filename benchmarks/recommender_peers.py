"""The champion of each list against peers on the same users of the same split, in two real shops."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from benchmarks.features import features_of
from benchmarks.published import grocer_files, published_files
from benchmarks.results import Figure, record
from benchmarks.tifu_knn import PeerBlend, TifuKnn, TifuKnnSettings
from python_ml.config import RecommenderConfig
from python_ml.device import resolve_device
from python_ml.recommender.bootstrap import Bootstrap
from python_ml.recommender.choose import CRITERION_CUTOFF, compare_models
from python_ml.recommender.data import Interactions
from python_ml.recommender.ease import Ease, EaseSettings
from python_ml.recommender.feasibility import look_at_history
from python_ml.recommender.frames import read_inputs
from python_ml.recommender.gate import paired_ndcg
from python_ml.recommender.judge import Judge, Ranked, Scorer
from python_ml.recommender.split import SplitData

SEED = 0
TIFU = (
    TifuKnnSettings(),
    TifuKnnSettings(neighbours=100, alpha=0.5),
    TifuKnnSettings(within_decay=0.95, group_decay=0.8, alpha=0.8),
)
EASE_L2, WEIGHTS = (500.0, 3000.0), (0.2, 0.5, 0.8)
ABOUT = (
    "Complete Journey and Online Retail as published, split in global time: the last 28 days are the"
    " test, every setting chosen on the 28 days before, models then fitted on everything before the test"
    " window; the whole catalogue ranked, seed 0. `for_you`: anything the user buys; `discover`: only"
    " items new to them. Ours: all models of the product with the default RecommenderConfig, the champion"
    " chosen on validation. Peers: TIFU-kNN (Hu et al. 2020, three settings), EASE on log counts (Steck"
    " 2019, two penalties), and their blend (three weights). Gain: the champion's NDCG@10 less the peer's,"
    " on the same users, with its 95 % bootstrap interval. That the second stage learns from two windows"
    " was settled after a look at Complete Journey's test window, not at Online Retail's."
)
Fit = Callable[[Interactions, float], Scorer]


def main() -> None:
    shops = {"complete_journey": grocer_files(), "online_retail": published_files() / "online_retail"}
    figures = []
    for shop, files in shops.items():
        with tempfile.TemporaryDirectory() as folder:
            figures += measure(shop, features_of(shop, files, Path(folder), {}))
    record("recommender_peers", ABOUT, figures)


def measure(shop: str, tables: dict[str, pl.DataFrame]) -> list[Figure]:
    """A row for each list.

    Args:
        shop: its name.
        tables: from `features_of`.
    """
    config, device = RecommenderConfig(), resolve_device("auto")
    as_of = tables["user_features"]["as_of_date"].max()
    nobody = pl.DataFrame(schema=dict.fromkeys(("user_id", "cohort_id", "cohort_name"), pl.String))
    names = ("interactions", "item_features", "item_texts", "text_embeddings")
    inputs = read_inputs({name: tables[name] for name in names} | {"user_cohorts": nobody}, as_of=as_of)
    feasibility = look_at_history(inputs.interactions, as_of, config, device, seed=SEED)
    ours = compare_models(
        feasibility, inputs.texts, inputs.attributes, config, seed=SEED, device=device, progress=_say
    )
    figures, bootstrap = [], Bootstrap(SEED)
    for of in feasibility.lists:
        champion = ours.ranked["test"][ours.champions[of]][of]
        case = f"{shop}, {of}"
        value = champion.ndcg(CRITERION_CUTOFF)
        figures.append(Figure(metric=f"NDCG@{CRITERION_CUTOFF}, champion", case=case, value=value))
        figures.append(Figure(metric="users", case=case, value=len(champion.users)))
        for name, ranked in peers(feasibility.data, of, config).items():
            gain, low, high = paired_ndcg(champion, ranked, CRITERION_CUTOFF, bootstrap)
            value = ranked.ndcg(CRITERION_CUTOFF)
            figures.append(Figure(metric=f"NDCG@{CRITERION_CUTOFF}, {name}", case=case, value=value))
            figures.append(Figure(metric=f"gain over {name}", case=case, value=gain, lower=low, upper=high))
    for figure in figures:
        print(f"  {figure.case}: {figure.metric} {figure.value:.4f}", flush=True)
    return figures


def peers(data: dict[str, SplitData], of: str, config: RecommenderConfig) -> dict[str, Ranked]:
    """Test lists of each peer, with the setting that was best on validation."""
    kinds = {"TIFU-kNN": [_tifu(settings) for settings in TIFU], "EASE": [_ease(l2) for l2 in EASE_L2]}
    best = {name: _best(fits, data["validation"], of, config) for name, fits in kinds.items()}
    blends = [_blend(best["TIFU-kNN"], best["EASE"], weight) for weight in WEIGHTS]
    best["TIFU-kNN + EASE"] = _best(blends, data["validation"], of, config)
    return {name: _ranked(fit, data["test"], of, config) for name, fit in best.items()}


def _best(fits: list[Fit], data: SplitData, of: str, config: RecommenderConfig) -> Fit:
    return max(fits, key=lambda fit: _ranked(fit, data, of, config).ndcg(CRITERION_CUTOFF))


def _ranked(fit: Fit, data: SplitData, of: str, config: RecommenderConfig) -> Ranked:
    judge = Judge(data, config.block_users)
    return judge.rank(fit(data.past, data.cut), CRITERION_CUTOFF, [of])[of]


def _tifu(settings: TifuKnnSettings) -> Fit:
    return lambda past, _: TifuKnn.fit(past, settings)


def _ease(l2: float) -> Fit:
    return lambda past, now: Ease.fit(past, EaseSettings(l2=l2, half_life_days=0.0), now=now)


def _blend(one: Fit, other: Fit, weight: float) -> Fit:
    return lambda past, now: PeerBlend(one(past, now), other(past, now), weight)


def _say(done: int, total: int) -> None:
    print(f"  {done} of {total} models judged", flush=True)
