"""Unlike items: likeness and order worked by hand, laws against a slow twin, and what a weight may cost."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recommender_shop import AS_OF, BUYERS, NEWCOMERS, recommend_items, rule_tables

from python_ml.config import RecommenderConfig
from python_ml.errors import ModelError, SettingError
from python_ml.recommender import diversify
from python_ml.recommender.data import TextVectors
from python_ml.recommender.diversify import Diversity, alike, candidate_count, marginal_order, relevance
from python_ml.recommender.evaluate import EvaluationResult, evaluate_recommenders
from python_ml.recommender.recommend import read_weight
from python_ml.recommender.tradeoff import Tried, choose_weight

# Items 0 and 1 are alike, 2 is unlike both, 3 somewhat like all.
LIKENESS = np.array(
    [[[1.0, 1.0, 0.0, 0.5], [1.0, 1.0, 0.0, 0.5], [0.0, 0.0, 1.0, 0.5], [0.5, 0.5, 0.5, 1.0]]]
)
RELEVANCE = np.array([[1.0, 0.9, 0.5, 0.0]])


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (0.0, [0, 1, 2, 3]),
        # After item 0: item 1 has 0.9 x 0.9 - 0.1 x 1 = 0.71, item 2 0.9 x 0.5 = 0.45.
        (0.1, [0, 1, 2, 3]),
        # After item 0: item 1 has 0.5 x 0.9 - 0.5 x 1 = -0.05, item 2 0.5 x 0.5 = 0.25, item 3 -0.25.
        (0.5, [0, 2, 1, 3]),
        # After 0 and 2: item 1 has 0.3 x 0.9 - 0.7 x 1 = -0.43, item 3 0 - 0.7 x 0.5 = -0.35.
        (0.7, [0, 2, 3, 1]),
    ],
)
def test_order_by_hand(weight, expected):
    assert marginal_order(RELEVANCE, LIKENESS, weight, 4).tolist() == [expected]


def test_what_is_pinned_counts_from_the_first_place():
    pinned = np.array([[False, False, True, False]])
    value = np.where(pinned, -np.inf, RELEVANCE)
    # With item 2 in the list: item 0 has 0.5, item 1 0.45, item 3 -0.25; after 0, item 1 has -0.05.
    assert marginal_order(value, LIKENESS, 0.5, 4, pinned).tolist() == [[0, 1, 3, -1]]
    pinned = np.array([[True, False, False, False]])
    value = np.where(pinned, -np.inf, RELEVANCE)
    assert marginal_order(value, LIKENESS, 0.5, 4, pinned).tolist() == [[2, 1, 3, -1]]


def test_likeness_is_of_texts_or_else_of_categories(toy_texts):
    # Items 0 and 3 share a text, item 1 has one at 0.6 of it, item 2 has none; 0 and 2 share a category.
    category = np.array([7, 8, 7, -1])
    likeness = alike(np.array([[0, 1, 2, 3, -1]]), toy_texts, category)[0]
    assert likeness[:4, :4] == pytest.approx(
        np.array([[1.0, 0.6, 1.0, 1.0], [0.6, 1.0, 0.0, 0.6], [1.0, 0.0, 1.0, 0.0], [1.0, 0.6, 0.0, 1.0]])
    )
    assert not likeness[4].any()


def test_a_shop_without_texts_has_categories_alone():
    nothing = TextVectors(np.empty((0, 1), np.float32), np.array([-1, -1, -1]))
    likeness = alike(np.array([[0, 1, 2]]), nothing, np.array([1, 1, -1]))
    assert likeness.tolist() == [[[1, 1, 0], [1, 1, 0], [0, 0, 0]]]


def test_relevance_runs_from_the_worst_candidate_to_the_best():
    items = np.array([[4, 5, 6, -1], [4, 5, 6, 7], [-1, -1, -1, -1]])
    scores = np.array([[5.0, 2.0, 1.0, -np.inf], [-1.0, -1.0, -1.0, -1.0], [-np.inf] * 4])
    pinned = np.array([[False] * 4, [True, False, False, False], [False] * 4])
    assert relevance(items, scores).tolist()[0] == [1.0, 0.25, 0.0, -np.inf]
    assert relevance(items, scores, pinned).tolist()[1:] == [[-np.inf, 0, 0, 0], [-np.inf] * 4]


def slowly(relevance, likeness, weight, k, pinned) -> list[int]:
    """The order of one user, candidate by candidate."""
    taken, found = list(np.flatnonzero(pinned)), []
    left = [each for each in range(len(relevance)) if np.isfinite(relevance[each]) and not pinned[each]]
    while left and len(found) < k:
        worth = [
            (1 - weight) * relevance[each]
            - weight * max((likeness[each, other] for other in taken), default=0.0)
            for each in left
        ]
        best = left.pop(int(np.argmax(worth)))
        taken.append(best)
        found.append(best)
    return found + [-1] * (k - len(found))


@st.composite
def some_candidates(draw):
    """Items best first, scores, texts, categories and pins of three users; halves and quarters, so exact."""
    count = draw(st.integers(1, 6))
    vectors = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    of_item = np.array(draw(st.lists(st.integers(-1, 2), min_size=6, max_size=6)))
    category = np.array(draw(st.lists(st.integers(-1, 1), min_size=6, max_size=6)))
    rows = draw(st.lists(st.permutations(range(6)), min_size=3, max_size=3))
    items = np.array(rows)[:, :count]
    gone = draw(st.lists(st.integers(0, count), min_size=3, max_size=3))
    scores = np.sort(draw(st.lists(st.lists(st.integers(0, 4), min_size=count, max_size=count), min_size=3,
                                   max_size=3)), axis=1)[:, ::-1].astype(float)  # fmt: skip
    for row, last in enumerate(gone):
        items[row, count - last :], scores[row, count - last :] = -1, -np.inf
    pinned = np.array(
        draw(st.lists(st.lists(st.booleans(), min_size=count, max_size=count), min_size=3, max_size=3))
    )
    return items, scores, TextVectors(vectors, of_item), category, pinned & (items >= 0)


@given(some_candidates(), st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.integers(1, 7))
def test_blocks_are_ordered_as_one_user_is_slowly(candidates, weight, k):
    items, scores, texts, category, pinned = candidates
    diversity = Diversity(weight=weight, candidates=6, texts=texts, category=category)
    order = diversity.order(items, scores, k, pinned)
    likeness, value = alike(items, texts, category), relevance(items, scores, pinned)
    for row in range(3):
        assert order[row].tolist() == slowly(value[row], likeness[row], weight, k, pinned[row])
    if weight == 0.0:
        open_ = [np.flatnonzero((items[row] >= 0) & ~pinned[row])[:k].tolist() for row in range(3)]
        assert [[place for place in row if place >= 0] for row in order.tolist()] == open_


def test_the_size_of_blocks_does_not_matter(monkeypatch):
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(30, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    items = np.stack([generator.permutation(60)[:20] for _ in range(9)])
    scores = np.sort(generator.random((9, 20)), axis=1)[:, ::-1]
    diversity = Diversity(
        weight=0.5, candidates=20, texts=TextVectors(vectors, np.arange(60) % 30), category=np.zeros(60, int)
    )
    pinned = np.zeros(items.shape, bool)
    whole = diversity.order(items, scores, 10, pinned)
    monkeypatch.setattr(diversify, "BLOCK_USERS", 2)
    assert np.array_equal(diversity.order(items, scores, 10, pinned), whole)
    assert diversity.order(items[:0], scores[:0], 10, pinned[:0]).shape == (0, 10)


def tried(*of: tuple[float, float]) -> list[Tried]:
    """Weights with the upper end of their loss, of an NDCG of 0.5."""
    return [
        Tried(weight=weight, ndcg=0.5, diversity=0.5, loss=0.0, low=0.0, high=high, users=99, changed=20)
        for weight, high in of
    ]


@pytest.mark.parametrize(
    ("upper", "chosen", "reason"),
    [
        # 0.01 of 0.5 may be lost.
        ([(0.0, 0.0), (0.1, 0.004), (0.2, 0.005), (0.3, 0.006)], 0.2, "0.3 may cost 1.20% of ndcg@10"),
        ([(0.0, 0.0), (0.1, 0.004), (0.2, 0.004), (0.3, 0.004)], 0.3, "costs 0.80% at most"),
        ([(0.0, 0.0), (0.1, 0.0051), (0.2, 0.0), (0.3, 0.0)], 0.0, "0.1 may cost 1.02% of ndcg@10"),
        ([(0.0, 0.0), (0.1, -0.01), (0.2, -0.01), (0.3, -0.02)], 0.3, "costs -4.00% at most"),
    ],
)
def test_the_largest_weight_that_costs_no_more_than_it_may(upper, chosen, reason):
    weight, allowed, why = choose_weight(
        tried(*upper), RecommenderConfig(diversity_weights=(0.3, 0.2, 0.1, 0))
    )
    assert (weight, allowed) == (chosen, pytest.approx(0.005))
    assert reason in why


def test_a_single_weight_is_an_order_and_the_smallest_the_last_resort():
    worse = tried((0.0, 0.0), (0.2, 0.4), (0.4, 0.4))
    assert choose_weight(worse[:2], RecommenderConfig(diversity_weights=(0.2,)))[0] == 0.2
    assert choose_weight(worse, RecommenderConfig(diversity_weights=(0.2, 0.4)))[0] == 0.2


def test_a_weight_that_changes_next_to_nobody_is_not_known_to_be_harmless():
    some = tried((0.0, 0.0), (0.1, 0.0), (0.2, 0.0))
    few = [*some[:2], replace(some[2], changed=19)]
    config = RecommenderConfig(diversity_weights=(0.0, 0.1, 0.2))
    assert choose_weight(some, config)[0] == 0.2
    weight, _, why = choose_weight(few, config)
    assert weight == 0.1
    assert why == "0.2 changes ndcg@10 of 19 users of the validation window; its cost can be told of 20"


def test_where_nothing_is_found_nothing_can_be_said_of_costs():
    nothing = [replace(each, ndcg=0.0) for each in tried((0.0, 0.0), (0.1, 0.0))]
    weight, allowed, why = choose_weight(nothing, RecommenderConfig(diversity_weights=(0.0, 0.1)))
    assert (weight, allowed) == (0.0, 0.0)
    assert "can tell no cost" in why


# From here on, through the tables.


@pytest.fixture(scope="module")
def at_ten(small_config) -> RecommenderConfig:
    return replace(small_config, cutoffs=(10,), list_length=5, diversity_weights=(0.0, 0.3, 0.9))


@pytest.fixture(scope="module")
def evaluation(tables, at_ten) -> EvaluationResult:
    given = {name: table for name, table in tables.items() if name != "user_features"}
    return evaluate_recommenders(**given, config=at_ten, as_of=AS_OF, device="cpu", seed=0)


def served(tables, evaluation, config, weight: float, rules=None) -> pl.DataFrame:
    chosen = evaluation.diversity.with_columns(is_chosen=pl.col("diversity_weight") == weight)
    return recommend_items(
        **tables, rules=rules or rule_tables(), model_evaluations=evaluation.metrics, config=config,
        diversity_tradeoff=chosen, as_of=AS_OF, device="cpu", seed=0,
    ).recommendations  # fmt: skip


def test_each_weight_is_measured_and_without_it_lists_are_the_champion_s(evaluation):
    found = evaluation.diversity
    assert found.height == 2 * 2 * 3
    assert found.select("split_name", "list_name", "diversity_weight").is_duplicated().sum() == 0
    assert found.filter("is_chosen").select("list_name", "diversity_weight").n_unique() == 2
    assert found.filter("is_chosen")["reason"].null_count() == 0
    champion = evaluation.metrics.filter("is_champion", cohort_id="all", cutoff=10)
    for metric in ("ndcg", "diversity"):
        without = found.filter(diversity_weight=0.0).join(
            champion.filter(metric_name=metric), on=["list_name", "split_name", "model_name"], how="left"
        )
        assert without[metric].to_list() == pytest.approx(without["metric_value"].to_list())
    loss = found.with_columns(base=pl.col("ndcg").first().over("list_name", "split_name"))
    assert loss["ndcg_loss"].to_list() == pytest.approx((loss["base"] - loss["ndcg"]).to_list())
    assert (found["loss_lower_95"] <= found["loss_upper_95"]).all()


def test_more_weight_makes_lists_more_diverse(evaluation):
    spread = evaluation.diversity.sort("list_name", "split_name", "diversity_weight").drop_nulls("diversity")
    low = spread.group_by("list_name", "split_name").agg(
        pl.col("diversity").first().alias("off"), pl.col("diversity").last().alias("on")
    )
    assert (low["on"] >= low["off"] - 1e-9).all()
    assert (low["on"] > low["off"]).any()


def test_weights_do_not_touch_newcomers_nor_what_a_list_may_hold(tables, evaluation, at_ten):
    plain, diverse = (served(tables, evaluation, at_ten, weight) for weight in (0.0, 0.9))
    assert not diverse.equals(plain)
    cold = pl.col("user_id").is_in(NEWCOMERS)
    assert diverse.filter(cold).equals(plain.filter(cold))
    counted = [
        lists.group_by("list_name", "user_id").len().sort("list_name", "user_id")
        for lists in (plain, diverse)
    ]
    assert counted[0].equals(counted[1])
    # A list starts with the best item whatever the weight.
    first = [lists.filter(rank=1).select("list_name", "user_id", "item_id") for lists in (plain, diverse)]
    assert first[0].equals(first[1])
    assert (diverse["propensity"] == 1.0).all()
    assert not diverse["is_exploration"].any()


def test_rules_hold_in_diverse_lists(tables, evaluation, at_ten):
    table = rule_tables(
        {"rule_id": "out", "rule_type": "exclude"},
        {"rule_id": "pin", "rule_type": "pin", "amount": 2.0},
        {"rule_id": "cap", "rule_type": "cap", "amount": 1.0},
        items={"out": ["i01"], "pin": ["i12"], "cap": [(f"i{number:02d}", "g") for number in range(2, 8)]},
    )
    lists = served(tables, evaluation, at_ten, 0.9, table)
    assert "i01" not in lists["item_id"].to_list()
    assert set(lists.filter(rank=2, list_name="for_you")["item_id"]) == {"i12"}
    capped = lists.filter(pl.col("item_id").is_in([f"i{number:02d}" for number in range(2, 8)]))
    assert capped.group_by("user_id", "list_name").len()["len"].max() == 1
    assert set(lists["user_id"]) == set(BUYERS + NEWCOMERS)


def test_a_list_without_one_chosen_weight_is_refused(evaluation):
    assert read_weight(None, "for_you") == 0.0
    for chosen in (False, True):
        unclear = evaluation.diversity.with_columns(is_chosen=pl.lit(chosen))
        with pytest.raises(ModelError, match="diversity weights are chosen for list 'for_you'"):
            read_weight(unclear, "for_you")


def test_more_candidates_than_places():
    assert candidate_count(RecommenderConfig(list_length=60, diversity_candidates=50)) == 60
    assert candidate_count(RecommenderConfig(list_length=20, diversity_candidates=50)) == 50


@pytest.mark.parametrize(
    "wrong",
    [
        {"diversity_weights": (1.5,)},
        {"diversity_weights": ()},
        {"max_diversity_cost": -0.1},
        {"exploration_slots": 21},
        {"exploration_slots": 8, "exploration_pool": 7},
        {"exploration_pool": 0},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        RecommenderConfig(**wrong)
