"""Business rules on the lists: each type worked by hand, and laws that hold for any rules and scores."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
import torch
from any_rules import COUNT, by_hand, may_see, some_rules, some_scores
from hypothesis import given
from hypothesis import strategies as st
from recommender_shop import (
    AS_OF,
    BUYERS,
    ITEMS,
    NEWCOMERS,
    NOT_RECOMMENDABLE,
    all_lists,
    recommend_items,
    rule_tables,
)
from scipy import sparse

from python_ml.errors import ContractError
from python_ml.recommender.arrange import Arrangement
from python_ml.recommender.best_sellers import BestSellers, serve_best_sellers
from python_ml.recommender.evaluate import evaluate_recommenders
from python_ml.recommender.frames import read_inputs
from python_ml.recommender.ranking import top_k
from python_ml.recommender.read_rules import read_rules
from python_ml.recommender.recommend import Recommender
from python_ml.recommender.rules import NO_RULES, Boost, Cap, Hidden, Pin, Recent, Rules, choose
from python_ml.recommender.split import day_of
from python_ml.recommender.two_tower_recommender import TwoTowerRecommender

SIX = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]  # item 0 is best


def items(*numbers: int, count: int = 6) -> np.ndarray:
    return np.isin(np.arange(count), numbers)


def lists_of(rules: Rules, *rows: list[float], k: int = 3):
    """The items of each row, and the rules that touched them: names of the rules by place."""
    chosen = choose(torch.tensor(rows or [SIX]), np.arange(len(rows or [SIX])), k, rules)
    named = [
        [[rules.rule_ids[rule] for rule in np.flatnonzero(place)] for place in row] for row in chosen.touched
    ]
    return chosen.items.tolist(), named, chosen.scores.tolist()


def test_excluded_items_are_hidden_and_whoever_moved_up_says_so():
    rules = Rules(rule_ids=("no_beer",), hidden=(Hidden(0, items(1)),))
    found, named, _ = lists_of(rules)
    assert found == [[0, 2, 3]]
    # Item 0 stands where it stood; the two behind the item taken out moved up.
    assert named == [[[], ["no_beer"], ["no_beer"]]]


def test_a_rule_that_takes_out_nothing_touches_nothing():
    rules = Rules(rule_ids=("no_beer",), hidden=(Hidden(0, items(3)),))
    assert lists_of(rules)[:2] == ([[0, 1, 2]], [[[], [], []]])


def test_some_users_are_shown_what_others_are_not():
    rules = Rules(rule_ids=("adults",), hidden=(Hidden(0, items(0, 1), but_for=np.array([True, False])),))
    found, named, _ = lists_of(rules, SIX, SIX)
    assert found == [[0, 1, 2], [2, 3, 4]]
    assert named == [[[], [], []], [["adults"], ["adults"], ["adults"]]]


def test_what_was_bought_lately_is_hidden_from_its_buyer():
    pairs = sparse.csr_matrix(([1.0], ([1], [0])), shape=(2, 6))
    rules = Rules(rule_ids=("lately",), recent=(Recent(0, pairs),))
    found, named, _ = lists_of(rules, SIX, SIX)
    assert found == [[0, 1, 2], [1, 2, 3]]
    assert named == [[[], [], []], [["lately"], ["lately"], ["lately"]]]


def test_a_boost_multiplies():
    rules = Rules(rule_ids=("push",), boosts=(Boost(0, items(3), 1.8),))
    # 3 x 1.8 = 5.4: between 6 and 5.
    found, named, scores = lists_of(rules)
    assert found == [[0, 3, 1]]
    assert named == [[[], ["push"], []]]
    assert scores[0] == pytest.approx([6.0, 5.4, 5.0])


def test_a_boost_moves_up_whatever_the_sign():
    rules = Rules(rule_ids=("push",), boosts=(Boost(0, items(0, 2), 2.0),))
    # -4 / 2 = -2, above -3; 0 stays 0.
    found, _, scores = lists_of(rules, [-4.0, -3.0, 0.0, -5.0, -6.0, -7.0])
    assert found == [[2, 0, 1]]
    assert scores == [[0.0, -2.0, -3.0]]


def test_a_factor_below_one_moves_down_and_factors_multiply():
    halved = Boost(0, items(0), 0.5)
    assert lists_of(Rules(rule_ids=("less",), boosts=(halved,)))[2] == [[5.0, 4.0, 3.0]]  # 6 / 2 ties item 3
    again = Rules(rule_ids=("less", "more"), boosts=(halved, Boost(1, items(0, 1), 4.0)))
    found, named, scores = lists_of(again)
    assert (found, scores) == ([[1, 0, 2]], [[20.0, 12.0, 4.0]])
    assert named == [[["more"], ["less", "more"], []]]


def test_pins_stand_at_their_places():
    rules = Rules(rule_ids=("first", "third"), pins=(Pin(0, item=5, place=1), Pin(1, item=0, place=3)))
    found, named, _ = lists_of(rules)
    assert found == [[5, 1, 0]]
    assert named == [[["first"], [], ["third"]]]


def test_a_pin_past_the_end_is_left_out():
    rules = Rules(rule_ids=("far",), pins=(Pin(0, item=5, place=4),))
    assert lists_of(rules)[:2] == ([[0, 1, 2]], [[[], [], []]])


def test_what_is_hidden_cannot_be_pinned():
    rules = Rules(rule_ids=("hide", "pin"), hidden=(Hidden(0, items(5)),), pins=(Pin(1, item=5, place=1),))
    assert lists_of(rules)[0] == [[0, 1, 2]]


def test_pins_move_up_where_the_catalogue_runs_out():
    rules = Rules(rule_ids=("pin",), pins=(Pin(0, item=0, place=3),))
    dead = -np.inf
    assert lists_of(rules, [6.0, 5.0, dead, dead, dead, dead])[0] == [[1, 0, -1]]


def test_a_cap_takes_the_best_of_a_group():
    # Items 0, 1, 2 are of one group, 3 and 4 of another, 5 of none.
    rules = Rules(rule_ids=("two",), caps=(Cap(0, np.array([0, 0, 0, 1, 1, -1]), most=2),))
    found, named, _ = lists_of(rules, k=5)
    assert found == [[0, 1, 3, 4, 5]]
    # Behind the refused item 2 all moved up.
    assert named == [[[], [], ["two"], ["two"], ["two"]]]


def test_caps_hold_together_and_are_searched_to_the_end_of_the_catalogue():
    # Brand and category of the items: (x, a), (x, b), (y, a), (y, a), (z, a), (y, b).
    brand = Cap(0, np.array([0, 0, 1, 1, 2, 1]), most=1)
    category = Cap(1, np.array([0, 1, 0, 0, 0, 1]), most=1)
    found, named, _ = lists_of(Rules(rule_ids=("brand", "category"), caps=(brand, category)), k=3)
    # 0 is taken; 1 has its brand, 2, 3 and 4 its category; 5 is brand y and category b.
    assert found == [[0, 5, -1]]
    assert named[0][1] == ["brand", "category"]


def test_pins_count_under_a_cap_and_hold_whatever_it_says():
    group = np.array([0, 0, 0, 1, 1, -1])
    rules = Rules(rule_ids=("cap", "pin"), caps=(Cap(0, group, most=1),), pins=(Pin(1, item=2, place=2),))
    assert lists_of(rules)[0] == [[3, 2, 5]]
    two = replace(rules, rule_ids=("cap", "pin", "more"), pins=(*rules.pins, Pin(2, item=1, place=1)))
    assert lists_of(two)[0] == [[1, 2, 3]]


def test_best_sellers_differ_by_what_users_may_be_shown():
    sellers = BestSellers(np.array([3.0, 2.0, 1.0]), np.empty((0, 3)), np.empty(0, int), 3, np.ones(3))
    adults = Hidden(0, items(0, count=3), but_for=np.array([True, False, True]))
    lists, _ = serve_best_sellers(
        sellers,
        np.arange(3),
        np.full(3, -1),
        np.ones(3, bool),
        plan=Arrangement(length=2, rules=Rules(rule_ids=("adults",), hidden=(adults,))),
        min_cohort_buyers=1,
    )
    assert lists.items.tolist() == [[0, 1], [1, 2], [0, 1]]
    assert lists.rules(1)[:, :, 0].tolist() == [[False, False], [True, True], [False, False]]


@given(some_rules(), some_scores, st.integers(1, COUNT + 2))
def test_lists_are_as_a_person_would_make_them(rules, scores, k):
    """Hence distinct, ordered, as long as the catalogue allows, and without a rule broken."""
    chosen = choose(torch.from_numpy(scores.copy()), np.arange(3), k, rules)
    assert chosen.items.shape == (3, min(k, COUNT))
    for user in range(3):
        found = chosen.items[user][chosen.items[user] >= 0].tolist()
        assert found == by_hand(rules, scores[user], user, min(k, COUNT))
        assert len(set(found)) == len(found)
        assert set(found) <= may_see(rules, user)


@given(some_rules(), some_scores, st.integers(1, COUNT))
def test_what_touched_a_place_is_named(rules, scores, k):
    chosen = choose(torch.from_numpy(scores.copy()), np.arange(3), k, rules)
    shown = chosen.items >= 0
    assert not chosen.touched[~shown].any()
    for boost in rules.boosts:
        assert (chosen.touched[:, :, boost.rule] == (shown & boost.items[chosen.items])).all()
    for pin in rules.pins:
        is_named = chosen.touched[:, :, pin.rule]
        assert (chosen.items[is_named] == pin.item).all()
        full = np.flatnonzero(shown.all(axis=1))
        if pin.place <= k:
            seen = [pin.item in may_see(rules, user) for user in full]
            assert is_named[full, pin.place - 1].tolist() == seen


@given(some_scores, st.integers(1, COUNT + 2))
def test_without_rules_nothing_changes(scores, k):
    best, value = top_k(torch.from_numpy(scores.copy()), k)
    chosen = choose(torch.from_numpy(scores.copy()), np.arange(3), k, NO_RULES)
    assert np.array_equal(chosen.items, best)
    assert np.array_equal(chosen.scores, value)
    assert chosen.touched.shape == (*best.shape, 0)


@given(some_rules(), some_scores)
def test_the_size_of_blocks_does_not_matter(rules, scores):
    whole = choose(torch.from_numpy(scores.copy()), np.arange(3), 5, rules)
    for user in range(3):
        alone = choose(torch.from_numpy(scores[user : user + 1].copy()), np.array([user]), 5, rules)
        assert np.array_equal(alone.items[0], whole.items[user])
        assert np.array_equal(alone.touched[0], whole.touched[user])


# From here on, through the tables.


@pytest.fixture(scope="module")
def metrics(tables, small_config) -> pl.DataFrame:
    given = {name: table for name, table in tables.items() if name != "user_features"}
    return evaluate_recommenders(**given, config=small_config, as_of=AS_OF, device="cpu", seed=0).metrics


@pytest.fixture(scope="module")
def served(tables, metrics, small_config):
    """Lists of the small shop under the rules of the given tables."""

    def serve(rules) -> pl.DataFrame:
        return recommend_items(
            **tables, rules=rules, model_evaluations=metrics, config=small_config, as_of=AS_OF, device="cpu",
            seed=0,
        ).recommendations  # fmt: skip

    return serve


@pytest.fixture(scope="module")
def plain(served) -> pl.DataFrame:
    return served(rule_tables())


def test_rules_reach_every_list_they_are_for(served, plain):
    table = rule_tables(
        {"rule_id": "out", "rule_type": "exclude", "list_name": "discover"},
        {"rule_id": "pin", "rule_type": "pin", "list_name": None, "amount": 2.0},
        {"rule_id": "useless", "rule_type": "exclude", "not_applied_reason": "no such thing"},
        items={"out": ["i01", "i02"], "pin": ["i12"], "useless": ["i05"]},
    )
    lists = served(table)
    discover = lists.filter(list_name="discover")
    assert not set(discover["item_id"]) & {"i01", "i02"}
    assert set(lists.filter(list_name="for_you")["item_id"]) & {"i01", "i02"}
    second = lists.filter(rank=2)
    assert set(second["item_id"]) == {"i12"}
    assert set(second["candidate_source"]) == {"business_rule"}
    assert second["rules_applied"].str.contains("pin").all()
    assert set(second["reason_code"]) <= {"chosen_by_shop", "because_you_bought"}
    assert second.height == 2 * len(BUYERS + NEWCOMERS)
    for_you = lists.filter(list_name="for_you").group_by("user_id").len()
    assert set(for_you["len"]) == {5}
    # Of 14 items some own so many that two less are too few for five discoveries.
    shorter = plain.filter(list_name="discover").height - discover.height
    assert 0 < shorter <= 2 * len(BUYERS)
    assert not lists["rules_applied"].str.contains("useless").any()


def test_an_age_that_is_not_known_is_young(served):
    ages = dict.fromkeys(["u00", "u01", "u90"], 21) | {"u02": 20}
    lists = served(
        rule_tables(
            {"rule_id": "adults", "rule_type": "minimum_age", "amount": 21.0},
            items={"adults": ITEMS[:12]},
            ages=ages,
        )
    )
    shown = lists.filter(pl.col("item_id").is_in(ITEMS[:12]))
    assert set(shown["user_id"]) == {"u00", "u01", "u90"}


def test_bought_within_counts_back_from_the_as_of_date(tables, served, plain):
    lists = served(
        rule_tables({"rule_id": "lately", "rule_type": "bought_within", "days": 14}, items={"lately": ITEMS})
    )
    since = AS_OF - timedelta(days=14)
    bought = tables["interactions"].filter(pl.col("interacted_at").dt.date() >= since)
    keys = ["user_id", "item_id"]
    assert lists.join(bought, on=keys, how="semi").is_empty()
    assert not plain.join(bought, on=keys, how="semi").is_empty()
    older = tables["interactions"].filter(pl.col("interacted_at").dt.date() < since)
    assert not lists.filter(list_name="for_you").join(older, on=keys, how="semi").is_empty()


def test_bought_within_begins_at_midnight_of_its_first_day(tables, served):
    def shown(days: int) -> list[str]:
        rule = {"rule_id": "lately", "rule_type": "bought_within", "days": days}
        lists = served(rule_tables(rule, items={"lately": ["i01"]}))
        return lists.filter(user_id="u00", list_name="for_you")["item_id"].to_list()

    # User u00 bought i01 eight days before the as-of date, at midnight, and not since.
    bought = tables["interactions"].filter(user_id="u00", item_id="i01")["interacted_at"].max()
    assert bought.date() == AS_OF - timedelta(days=8)
    assert "i01" not in shown(8)
    assert "i01" in shown(7)


def test_a_cap_counts_by_the_groups_of_its_table(served):
    groups = [(item, f"g{number % 3}") for number, item in enumerate(ITEMS[:12])]
    lists = served(rule_tables({"rule_id": "cap", "rule_type": "cap", "amount": 1.0}, items={"cap": groups}))
    counted = lists.join(pl.DataFrame(groups, schema=["item_id", "group"], orient="row"), on="item_id")
    assert counted.group_by("user_id", "list_name", "group").len()["len"].max() == 1


def test_freshness_hides_without_an_amount_and_boosts_with_one(served, plain):
    hidden = served(
        rule_tables({"rule_id": "new", "rule_type": "freshness", "days": 9}, items={"new": ["i03"]})
    )
    assert "i03" in plain["item_id"].to_list()
    assert "i03" not in hidden["item_id"].to_list()
    pushed = served(
        rule_tables(
            {"rule_id": "new", "rule_type": "freshness", "days": 9, "amount": 1000.0}, items={"new": ["i03"]}
        )
    )
    # By a thousand times the best of all, for whoever may see it and has any chance of buying it.
    for_you = pushed.filter(list_name="for_you", rank=1)
    assert set(for_you["item_id"]) == {"i03"}
    assert set(pushed.filter(item_id="i03")["rules_applied"].str.split(",").list.last()) == {"new"}


def test_what_may_not_be_published_cannot_be_pinned(served):
    lists = served(
        rule_tables({"rule_id": "pin", "rule_type": "pin", "amount": 1.0}, items={"pin": [NOT_RECOMMENDABLE]})
    )
    assert NOT_RECOMMENDABLE not in lists["item_id"].to_list()


def test_the_order_of_rows_changes_nothing(served):
    table = rule_tables(
        {"rule_id": "b", "rule_type": "boost", "amount": 2.0},
        {"rule_id": "a", "rule_type": "cap", "amount": 1.0},
        items={"b": ["i03", "i04"], "a": [("i01", "x"), ("i02", "x"), ("i03", "y")]},
        ages={"u00": 30, "u01": 40},
    )
    turned = replace(
        table,
        business_rules_in_force=table.business_rules_in_force.reverse(),
        business_rule_items=table.business_rule_items.reverse(),
        user_ages=table.user_ages.reverse(),
    )
    assert served(table).equals(served(turned))


def test_towers_trained_before_give_the_same_lists(tables, metrics, small_config, plain):
    """Another rule needs no training: what was saved for the same data and settings is taken."""
    given = {**tables, "model_evaluations": metrics, "config": small_config}
    common = {"as_of": AS_OF, "device": "cpu", "seed": 0}
    first = Recommender(**given, **common)
    lists = all_lists(first, rule_tables())
    # Another seed would train other towers, but there is nothing left to train.
    again = Recommender(**given, **(common | {"seed": 7}), trained=first.weights())
    restored = {type(model): model for model in again._workshop._restored.values()}
    assert restored[TwoTowerRecommender].arrays().keys() == first._towers().arrays().keys()
    assert again.similar_items().equals(first.similar_items())
    assert lists.equals(plain)
    users = np.arange(3)
    assert torch.equal(again._towers().score(users), first._towers().score(users))


def test_rules_that_shape_no_list_say_why():
    tables = rule_tables(
        {"rule_id": "far", "rule_type": "pin", "amount": 21.0},
        {"rule_id": "last", "rule_type": "pin", "amount": 20.0},
        {"rule_id": "stock", "rule_type": "in_stock", "not_applied_reason": "nothing was counted"},
    )
    assert tables.not_applied(20) == {
        "stock": "nothing was counted",
        "far": "place 21 is past the end of a list of 20",
    }


@pytest.mark.parametrize(
    ("rules", "named", "message"),
    [
        ([{"rule_id": "a", "rule_type": "magic"}], {"a": ["i01"]}, "unknown type 'magic'"),
        ([{"rule_id": "a", "rule_type": "exclude"}], {"a": ["nothing"]}, "ids are unknown"),
        ([{"rule_id": "a", "rule_type": "exclude"}] * 2, {}, "rule_id is null or occurs more than once"),
        (
            [{"rule_id": rule, "rule_type": "pin", "amount": 1.0} for rule in "ab"],
            {"a": ["i01"], "b": ["i02"]},
            "rules 'a' and 'b' pin one place",
        ),
        (
            [
                {"rule_id": rule, "rule_type": "pin", "amount": place}
                for rule, place in (("a", 1.0), ("b", 2.0))
            ],
            {"a": ["i01"], "b": ["i01"]},
            "rules 'a' and 'b' pin one item",
        ),
    ],
)
def test_broken_tables_of_rules_are_refused(tables, rules, named, message):
    inputs = read_inputs(tables, as_of=AS_OF)
    with pytest.raises(ContractError, match=message):
        read_rules(rule_tables(*rules, items=named), inputs, "for_you", now=day_of(AS_OF))
