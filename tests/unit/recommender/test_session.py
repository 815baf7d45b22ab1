"""Lists for sessions that are nobody's."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recommender_shop import AS_OF, NOT_RECOMMENDABLE, rule_tables
from scipy import sparse

from python_ml.errors import ContractError
from python_ml.recommender.read_rules import RuleTables
from python_ml.recommender.recommend import Recommender
from python_ml.recommender.rules import NO_RULES, Boost, Cap, Hidden, Pin, Recent, Rules
from python_ml.recommender.sequence.sequences import Sequences
from python_ml.recommender.sequence.sequential_knn import SequentialKnn, SequentialKnnSettings
from python_ml.recommender.session import FILLER, SessionLists, recommend_for_items, recommend_for_sessions

# From item 0 to 1 (strongly) and 2, from item 3 to 2; the latest item counts twice the one before.
TRANSITION = sparse.csr_matrix(
    np.array([[0, 4, 1, 0, 0], [0] * 5, [0] * 5, [0, 0, 8, 0, 0], [0] * 5], dtype=np.float32)
)
MODEL = SequentialKnn(TRANSITION, decay=0.5, length=10)
SELLERS = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
ALL = np.ones(5, dtype=bool)
NONE = rule_tables()


def lists(items: list[int], rules: Rules = NO_RULES, publishable=ALL, length: int = 3) -> SessionLists:
    return recommend_for_items(MODEL, items, SELLERS, publishable, rules, length=length)


def test_what_comes_next_stands_first_and_best_sellers_fill_up():
    found = lists([0])
    assert found.items.tolist() == [[1, 2, 4]]  # then item 4, which sells best; the session's own never
    assert found.scores[0] == pytest.approx([1 + FILLER * 2 / 5, 1 / 4 + FILLER * 3 / 5, FILLER])
    assert found.reason_items.tolist() == [[0, 0, -1]]


def test_the_order_of_the_session_counts():
    # Item 3 last: 8 of it and 1 / 2 of item 0 for item 2, 4 / 2 for item 1. Item 0 last: 4 against 1 + 8 / 2.
    later = lists([0, 3])
    assert later.items.tolist() == [[2, 1, 4]]
    assert later.scores[0, 1] == pytest.approx(2 / 8.5, rel=1e-4)
    assert later.reason_items.tolist() == [[3, 0, -1]]
    assert lists([3, 0]).scores[0, 1] == pytest.approx(4 / 5, rel=1e-4)


def test_what_is_not_shown_is_no_measure_for_what_is():
    # Ten times as much leads to item 3, which the session holds, and twice to item 2, which is hidden.
    model = SequentialKnn(sparse.csr_matrix(np.float32([[0, 1, 2, 10, 0]] + [[0] * 5] * 4)), 1.0, 10)
    found = recommend_for_items(model, [3, 0], SELLERS, np.arange(5) != 2, length=2)
    assert found.items.tolist() == [[1, 4]]
    assert found.scores[0] == pytest.approx([1.0, FILLER], rel=1e-4)


def test_an_empty_or_unknown_session_gets_best_sellers():
    assert lists([]).items.tolist() == [[4, 3, 2]]
    assert lists([4]).items.tolist() == [[3, 2, 1]]
    assert (lists([4]).reason_items == -1).all()


def test_rules_hold_and_a_stranger_is_of_no_age():
    only = np.array([False, True, False, False, False])
    assert lists([0], Rules(rule_ids=("x",), hidden=(Hidden(0, only),))).items.tolist() == [[2, 4, 3]]
    # The first user is old enough, and has just bought item 2: neither says anything of a stranger.
    adult = Hidden(0, only, but_for=np.array([True]))
    assert lists([0], Rules(rule_ids=("x",), hidden=(adult,))).items.tolist() == [[2, 4, 3]]
    bought = Recent(0, sparse.csr_matrix(np.array([[0, 0, 1.0, 0, 0]])))
    assert lists([0], Rules(rule_ids=("x",), recent=(bought,))).items.tolist() == [[1, 2, 4]]
    assert lists([0], publishable=~only).items.tolist() == [[2, 4, 3]]
    assert lists([0], Rules(rule_ids=("x",), boosts=(Boost(0, ~only, 5.0),))).items.tolist() == [[2, 1, 4]]
    pinned = lists([0], Rules(rule_ids=("x",), pins=(Pin(0, 3, 1),)))
    assert pinned.items.tolist() == [[3, 1, 2]]
    assert pinned.is_pinned.tolist() == [[True, False, False]]
    # What was looked at is not shown, pinned or not; a cap lets one of the group in.
    assert lists([0, 3], Rules(rule_ids=("x",), pins=(Pin(0, 3, 1),))).items.tolist() == [[2, 1, 4]]
    group = np.array([-1, 0, 0, -1, -1])
    assert lists([0], Rules(rule_ids=("x",), caps=(Cap(0, group, 1),))).items.tolist() == [[1, 4, 3]]


@given(
    st.lists(st.lists(st.integers(0, 4), max_size=6), max_size=5),
    st.integers(1, 7),
    st.integers(1, 3),
)
def test_lists_hold_other_items_once_and_do_not_depend_on_blocks(visits, length, block):
    user = [number for number, items in enumerate(visits) for _ in items]
    item = [item for items in visits for item in items]
    sessions = Sequences.listed(user, item, n_users=len(visits), n_items=5)
    found = recommend_for_sessions(MODEL, sessions, SELLERS, ALL, length=length, block_sessions=block)
    assert found.items.shape == (len(visits), min(length, 5))
    for items, listed in zip(visits, found.items.tolist(), strict=True):
        shown = [each for each in listed if each >= 0]
        assert len(shown) == len(set(shown)) == min(length, 5 - len(set(items)))
        assert not set(shown) & set(items)
        assert listed == lists(items, length=length).items[0].tolist()


def test_a_model_of_histories_answers_for_any_items():
    histories = Sequences.listed([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 2, 3], n_users=3, n_items=5)
    model = SequentialKnn.fit(histories, SequentialKnnSettings(length=10, window=2))
    found = recommend_for_items(model, [0], SELLERS, ALL, length=1)
    assert found.items.tolist() == [[1]]
    assert found.reason_items.tolist() == [[0]]


def served(tables, config, visits: pl.DataFrame, rules: RuleTables = NONE) -> pl.DataFrame:
    """`ml.session_recommendations` where no list could be judged: nothing is trained."""
    settings = '{"neighbours": 5, "min_buyers": 1, "window_days": 28}'
    evaluated = pl.DataFrame(
        {
            "model_name": "counting",
            "list_name": ["for_you", "discover"],
            "is_champion": True,
            "model_config": settings,
        }
    )
    recommender = Recommender(
        **tables, model_evaluations=evaluated, config=config, as_of=AS_OF, device="cpu", seed=0
    )
    return recommender.session_lists(visits, rules)


def visits(*acts: tuple[str, str, int]) -> pl.DataFrame:
    """Session, item and minutes before the as-of date."""
    end = datetime(AS_OF.year, AS_OF.month, AS_OF.day)
    rows = [(session, item, end - timedelta(minutes=ago)) for session, item, ago in acts]
    return pl.DataFrame(rows, schema=["session_id", "item_id", "occurred_at"], orient="row")


LOOKED = visits(("s2", "i03", 9), ("s1", "i01", 7), ("s1", "i03", 30), ("s1", "i12", 5))


def test_each_session_has_a_full_list_of_other_items(tables, small_config):
    config = replace(small_config, session_length=4)
    frame = served(tables, config, LOOKED)
    assert frame["session_id"].to_list() == ["s1"] * 4 + ["s2"] * 4
    assert frame["rank"].to_list() == [1, 2, 3, 4] * 2
    first = frame.filter(session_id="s1")
    assert not set(first["item_id"]) & {"i01", "i03", "i12", NOT_RECOMMENDABLE}
    assert set(first["reason_item_id"].drop_nulls()) <= {"i01", "i03", "i12"}
    is_known = pl.col("candidate_source") == "sequential_knn"
    assert frame.select((is_known == pl.col("reason_item_id").is_not_null()).all()).item()
    assert frame.select((pl.col("score").diff().over("session_id").fill_null(0.0) <= 0).all()).item()
    # In this shop item i03 is bought in turn with i04 and i05, by the same quarter of the buyers.
    assert set(frame.filter(session_id="s2")["item_id"].head(2)) == {"i04", "i05"}
    assert served(tables, config, LOOKED.reverse()).equals(frame)


def test_rules_of_discover_hold_and_those_of_for_you_do_not(tables, small_config):
    rules = [
        {"rule_id": "no", "rule_type": "exclude", "list_name": "discover"},
        {"rule_id": "not", "rule_type": "exclude", "list_name": "for_you"},
        {"rule_id": "top", "rule_type": "pin", "list_name": None, "amount": 1.0},
    ]
    ruled = rule_tables(*rules, items={"no": ["i04"], "not": ["i05"], "top": ["i07"]})
    second = served(tables, small_config, LOOKED, ruled).filter(session_id="s2")
    assert "i04" not in second["item_id"].to_list()
    assert second.row(0)[1:4] == ("i07", second["reason_item_id"][0], "business_rule")
    assert second["item_id"][1] == "i05"


def test_nothing_is_learned_from_nothing(tables, small_config):
    empty = tables | {"interactions": tables["interactions"].clear()}
    assert served(empty, small_config, LOOKED).is_empty()


def test_items_the_shop_does_not_list_are_refused(tables, small_config):
    with pytest.raises(ContractError, match="ids are unknown"):
        served(tables, small_config, visits(("s", "unheard of", 1)))
    with pytest.raises(ContractError, match="column item_id is missing"):
        served(tables, small_config, LOOKED.drop("item_id"))
