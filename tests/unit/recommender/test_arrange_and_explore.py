"""Lists arranged under any rules, and places drawn by lot: odds as logged, estimates without bias."""

from collections import Counter
from dataclasses import replace
from itertools import permutations

import numpy as np
import polars as pl
import pytest
import torch
from any_rules import COUNT, by_hand, may_see, some_rules, some_scores
from hypothesis import given
from hypothesis import strategies as st
from recommender_shop import AS_OF, BUYERS, ITEMS, NEWCOMERS, recommend_items, rule_tables
from scipy import sparse
from scipy.stats import chi2

from python_ml.recommender.arrange import Arrangement, arrange, candidates
from python_ml.recommender.data import TextVectors
from python_ml.recommender.diversify import Diversity
from python_ml.recommender.evaluate import EvaluationResult, evaluate_recommenders
from python_ml.recommender.explore import Exploration, draw_label
from python_ml.recommender.rules import Cap, Pin, Rules, choose
from python_ml.recommender.serve import Lists, serve

USERS = [f"user {number}" for number in range(4000)]
# Every third item has a text of its own, so likeness is by text or by category.
DIVERSE = Diversity(
    weight=0.6,
    candidates=8,
    texts=TextVectors(np.eye(4, dtype=np.float32), np.where(np.arange(COUNT) % 3, -1, np.arange(COUNT) // 3)),
    category=np.arange(COUNT) % 5 - 1,
)


def explored(slots: int, pool: int, label: str = "") -> Exploration:
    return Exploration(slots=slots, pool=pool, user_ids=USERS, label=label)


def lists_of(scores: np.ndarray, plan: Arrangement):
    users = np.arange(len(scores))
    return arrange(candidates(torch.from_numpy(scores.copy()), users, plan), users, plan)


@given(some_rules(), some_scores, st.integers(1, COUNT + 2))
def test_without_diversity_and_exploration_lists_are_as_chosen(rules, scores, k):
    chosen = choose(torch.from_numpy(scores.copy()), np.arange(3), k, rules)
    shown = lists_of(scores, Arrangement(length=k, rules=rules))
    for name in ("items", "scores", "touched"):
        assert np.array_equal(getattr(shown, name), getattr(chosen, name)), name
        assert getattr(shown, name).dtype == getattr(chosen, name).dtype
    assert not shown.drawn_from.any()


@given(
    some_rules(),
    some_scores,
    st.integers(1, 8),
    st.integers(0, 8),
    st.integers(0, 6),
    st.sampled_from([None, DIVERSE]),
)
def test_rules_hold_whatever_is_made_of_the_list(rules, scores, k, slots, more, diversity):
    slots = min(slots, k)
    plan = Arrangement(
        length=k, rules=rules, diversity=diversity, exploration=explored(slots, max(slots + more, 1))
    )
    if diversity is not None:
        plan = replace(plan, diversity=replace(diversity, candidates=max(k, 8)))
    shown = lists_of(scores, plan)
    for user in range(3):
        plain = by_hand(rules, scores[user], user, k)
        items = shown.items[user][shown.items[user] >= 0].tolist()
        assert len(items) == len(plain)
        assert (shown.items[user][: len(items)] >= 0).all()
        assert len(set(items)) == len(items)
        assert set(items) <= may_see(rules, user)
        pinned = {pin.item for pin in rules.pins if pin.place <= k}
        for pin in rules.pins:
            stands = [place for place, item in enumerate(plain) if item == pin.item]
            if pin.place <= k and stands:
                assert shown.items[user, stands[0]] == pin.item
                assert shown.drawn_from[user, stands[0]] == 0
                assert shown.touched[user, stands[0], pin.rule]
        for cap in rules.caps:
            counted = Counter(cap.group[item] for item in items if cap.group[item] >= 0)
            for group, count in counted.items():
                ours = [item for item in items if cap.group[item] == group]
                assert count <= cap.most or set(ours) <= pinned
        for boost in rules.boosts:
            named = shown.touched[user, : len(items), boost.rule]
            assert named.tolist() == boost.items[items].tolist()


@given(some_rules(), some_scores, st.integers(1, 8), st.integers(1, 8), st.integers(0, 6))
def test_places_are_drawn_from_the_next_best_and_the_others_stay(rules, scores, k, slots, more):
    slots = min(slots, k)
    pool = slots + more
    shown = lists_of(scores, Arrangement(length=k, rules=rules, exploration=explored(slots, pool)))
    for user in range(3):
        plain = by_hand(rules, scores[user], user, k)
        pinned = {pin.item for pin in rules.pins if pin.place <= k}
        deeper = by_hand(rules, scores[user], user, k, depth=k + pool)
        stays = [item for place, item in enumerate(plain) if place < k - slots or item in pinned]
        offered = [item for item in deeper if item not in stays and item not in pinned][:pool]
        for place, item in enumerate(plain):
            if place < k - slots or item in pinned:
                assert (shown.items[user, place], shown.drawn_from[user, place]) == (item, 0)
            else:
                assert shown.items[user, place] in offered
                assert shown.drawn_from[user, place] == len(offered)


@given(some_rules(), some_scores, st.sampled_from([0, 3]), st.sampled_from([None, DIVERSE]))
def test_the_size_of_blocks_does_not_matter(rules, scores, slots, diversity):
    plan = Arrangement(length=6, rules=rules, diversity=diversity, exploration=explored(slots, 4))
    whole = lists_of(scores, plan)
    for user in range(3):
        pool = candidates(torch.from_numpy(scores[user : user + 1].copy()), np.array([user]), plan)
        alone = arrange(pool, np.array([user]), plan)
        assert np.array_equal(alone.items[0], whole.items[user])
        assert np.array_equal(alone.drawn_from[0], whole.drawn_from[user])


class Falling:
    """A model to which item 0 is best for everybody, then item 1 ..."""

    def score(self, users: np.ndarray) -> torch.Tensor:
        return torch.arange(12.0, 0.0, -1.0).repeat(len(users), 1)


# Of five places the third and the fifth are drawn, from items 2 to 7; the fourth is pinned to item 11.
PINNED = Rules(rule_ids=("pin",), pins=(Pin(0, item=11, place=4),))
DRAWN = range(2, 8)


def served(label: str = "", rules: Rules = PINNED, users: int = len(USERS)) -> Lists:
    return serve(
        Falling(),
        np.arange(users),
        sparse.csr_matrix((len(USERS), 12)),
        np.ones(12, dtype=bool),
        list_name="for_you",
        plan=Arrangement(length=5, rules=rules, exploration=explored(3, 6, label)),
        block_users=64,
    )


def surprise(counts: np.ndarray, expected: float) -> float:
    """How often chance alone would be as far from equal counts: Pearson's test."""
    return float(chi2.sf(((counts - expected) ** 2 / expected).sum(), counts.size - 1))


def test_items_are_shown_as_often_as_is_logged():
    """Over users and over seeds: at each place, and in pairs, for draws are without replacement."""
    over_users = [served("one seed")]
    over_seeds = [served(draw_label(seed, "for_you", "2024-06-01"), users=1) for seed in range(1500)]
    for runs in (over_users, over_seeds):
        items = np.concatenate([lists.items for lists in runs])
        propensity = np.concatenate([lists.propensity() for lists in runs])
        drawn = np.concatenate([lists.is_exploration() for lists in runs])
        assert drawn.tolist() == [[False, False, True, False, True]] * len(items)
        assert (items[:, [0, 1, 3]] == [0, 1, 11]).all()
        assert (propensity[:, [0, 1, 3]] == 1.0).all()
        assert propensity[:, [2, 4]] == pytest.approx(1 / 6)
        for place in (2, 4):
            counts = np.array([(items[:, place] == item).sum() for item in DRAWN])
            assert counts.sum() == len(items)
            assert surprise(counts, len(items) * propensity[0, place]) > 1e-4
        pairs = Counter(zip(items[:, 2].tolist(), items[:, 4].tolist(), strict=True))
        assert set(pairs) == set(permutations(DRAWN, 2))
        assert surprise(np.array(list(pairs.values())), len(items) / 30) > 1e-4
        # Anywhere in the list: as often as the places' propensities add up to.
        anywhere = np.array([(items[:, [2, 4]] == item).any(axis=1).mean() for item in DRAWN])
        reach = 4 * np.sqrt((1 / 3) * (2 / 3) / len(items))
        assert anywhere == pytest.approx(np.full(6, 2 / 6), abs=reach)


def test_draws_depend_on_user_seed_list_and_day_and_on_nothing_else():
    again = served("label")
    assert np.array_equal(again.items, served("label").items)
    assert np.array_equal(again.items[:100], served("label", users=100).items)
    labels = [draw_label(*parts) for parts in ((0, "a", "2024-06-01"), (1, "a", "2024-06-01"),
                                               (0, "b", "2024-06-01"), (0, "a", "2024-06-02"))]  # fmt: skip
    assert len({served(label, users=50).items.tobytes() for label in labels}) == 4
    # Users of one draw are not alike either.
    assert len(np.unique(again.items[:, [2, 4]], axis=0)) == 30


def test_a_draw_is_the_same_in_every_release():
    """Lists of a day that are made again must be those that were shown: this order may never change."""
    order = Exploration(slots=3, pool=6, user_ids=["u"], label="x").shuffled(np.array([0]), np.array([6]))
    assert order.tolist() == [[1, 2, 3, 0, 4, 5]]


def test_where_fewer_are_left_the_odds_are_better():
    score = np.array([[5.0, 4.0, 3.0, 2.0, -np.inf, -np.inf]], dtype=np.float32)
    plan = Arrangement(length=5, exploration=explored(3, 4))
    shown = lists_of(score, plan)
    # Two stay, two are left for three places.
    assert shown.items[0, :2].tolist() == [0, 1]
    assert sorted(shown.items[0, 2:4].tolist()) == [2, 3]
    assert shown.items[0, 4] == -1
    assert shown.drawn_from.tolist() == [[0, 0, 2, 2, 0]]


def test_caps_hold_among_what_is_drawn():
    # Items 2 to 9 are of one group, of which two may be shown.
    cap = Cap(0, np.where(np.isin(np.arange(12), range(2, 10)), 0, -1), most=2)
    lists = served(rules=Rules(rule_ids=("cap",), caps=(cap,)))
    assert (np.isin(lists.items, range(2, 10)).sum(axis=1) <= 2).all()
    # Behind items 0 and 1: 2 and 3 of the group, then 10 and 11.
    assert set(np.unique(lists.items[:, 2:])) == {2, 3, 10, 11}
    assert lists.propensity()[:, 2:] == pytest.approx(1 / 4)


def test_an_estimate_weighted_by_propensities_has_no_bias():
    """What would another list earn, which always ends with item 7? The logs know, if weighted."""
    generator = np.random.default_rng(0)
    chance = np.linspace(0.6, 0.05, 12)  # of a purchase, by item
    hits, naive = 0, 0
    for run in range(20):
        lists = served(f"run {run}", users=1500)
        bought = generator.random(lists.items.shape) < chance[lists.items]
        is_target = lists.items[:, 4] == 7
        worth = bought[:, 4] * is_target / lists.propensity()[:, 4]
        mean, error = worth.mean(), worth.std(ddof=1) / np.sqrt(len(worth))
        hits += abs(mean - chance[7]) < 1.959964 * error
        naive += abs(bought[:, 4].mean() - chance[7]) < 1.959964 * error
    # 95 % intervals: 19 of 20 are expected, fewer than 15 would come once in three thousand times.
    assert hits >= 15
    assert naive == 0


def test_what_stands_anywhere_is_weighted_by_the_sum_over_places():
    """Horvitz and Thompson: the total over all candidates, from the two of them that were drawn."""
    worth = np.arange(12) ** 2.0
    lists = served("totals")
    inclusion = lists.propensity()[:, [2, 4]].sum(axis=1)
    totals = (worth[lists.items[:, [2, 4]]]).sum(axis=1) / inclusion
    error = totals.std(ddof=1) / np.sqrt(len(totals))
    assert abs(totals.mean() - worth[list(DRAWN)].sum()) < 4 * error


# From here on, through the tables.


@pytest.fixture(scope="module")
def evaluation(tables, small_config) -> EvaluationResult:
    given = {name: table for name, table in tables.items() if name != "user_features"}
    return evaluate_recommenders(**given, config=small_config, as_of=AS_OF, device="cpu", seed=0)


@pytest.fixture(scope="module")
def recommended(tables, evaluation, small_config):
    def recommend(seed: int = 0, rules=None, **changes) -> pl.DataFrame:
        return recommend_items(
            **tables, rules=rules or rule_tables(), model_evaluations=evaluation.metrics,
            config=replace(small_config, **changes), as_of=AS_OF, device="cpu", seed=seed,
        ).recommendations  # fmt: skip

    return recommend


def test_drawn_places_are_told(recommended):
    plain = recommended()
    assert (plain["propensity"] == 1.0).all()
    assert not plain["is_exploration"].any()
    lists = recommended(exploration_slots=2, exploration_pool=6)
    again = recommended(exploration_slots=2, exploration_pool=6, block_users=3)
    assert lists.drop("score").equals(again.drop("score"))
    stays = lists.filter(~pl.col("is_exploration"))
    drawn = lists.filter("is_exploration")
    assert (stays["propensity"] == 1.0).all()
    assert ((drawn["propensity"] >= 1 / 6) & (drawn["propensity"] <= 1.0)).all()
    assert set(drawn["rank"]) == {4, 5}
    assert stays.join(plain, on=stays.columns, how="anti", nulls_equal=True).is_empty()
    assert set(drawn.filter(list_name="for_you")["user_id"]) == set(BUYERS + NEWCOMERS)
    whole = lists.group_by("list_name", "user_id").len().sort("list_name", "user_id")
    assert whole.equals(plain.group_by("list_name", "user_id").len().sort("list_name", "user_id"))
    assert not lists.equals(recommended(seed=1, exploration_slots=2, exploration_pool=6))


def test_exploration_shows_nothing_hidden_and_keeps_pins(recommended):
    table = rule_tables(
        {"rule_id": "out", "rule_type": "exclude"},
        {"rule_id": "pin", "rule_type": "pin", "amount": 4.0},
        items={"out": ITEMS[1:4], "pin": ["i12"]},
    )
    for seed in range(3):
        lists = recommended(seed, table, exploration_slots=5, exploration_pool=8)
        assert not set(lists["item_id"]) & {"i00", *ITEMS[1:4]}
        fourth = lists.filter(rank=4, list_name="for_you")
        assert set(fourth["item_id"]) == {"i12"}
        assert not fourth["is_exploration"].any()
