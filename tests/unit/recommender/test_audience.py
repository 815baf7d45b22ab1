"""The users most likely to want an item."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from recommender_shop import AS_OF, BUYERS, NEWCOMERS, all_lists, rule_tables
from scipy import sparse

from python_ml.errors import ContractError
from python_ml.recommender.audience import ExpectedPurchases, find_audiences
from python_ml.recommender.evaluate import evaluate_recommenders
from python_ml.recommender.recommend import Recommender


@dataclass
class Fixed:
    """A model whose scores are known."""

    scores: np.ndarray

    def score(self, users: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(self.scores[users].astype(np.float32))


@given(st.data())
def test_blocks_find_what_sorting_all_users_finds(data):
    """Small whole numbers as scores, so that ties are many: the lower user number wins."""
    n_users, n_items = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 5))
    cell = st.sampled_from([0.0, 1.0, 2.0, -np.inf])
    scores = np.array(data.draw(st.lists(cell, min_size=n_users * n_items, max_size=n_users * n_items)))
    scores = scores.reshape(n_users, n_items)
    users = np.array(data.draw(st.lists(st.integers(0, n_users - 1), unique=True)), dtype=np.int64)
    items = np.array(data.draw(st.lists(st.integers(0, n_items - 1), unique=True)), dtype=np.int64)
    length, block = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 5))
    found = find_audiences(Fixed(scores), users, items, length=length, block_users=block)
    for row, item in enumerate(items):
        wanted = sorted((user for user in users if scores[user, item] > -np.inf),
                        key=lambda user: (-scores[user, item], user))[:length]  # fmt: skip
        assert [user for user in found.users[row] if user >= 0] == wanted
        kept = found.users[row] >= 0
        assert found.scores[row][kept].tolist() == [scores[user, item] for user in wanted]


def test_users_are_compared_by_what_they_are_expected_to_buy():
    """Item 0 is user 0's own; of the rest, items 1 and 2 share the interest 3 to 1 and 1 to 1."""
    owned = sparse.csr_matrix(np.array([[1.0, 0, 0], [0, 0, 0]]))
    model = Fixed(np.array([[4.0, 3.0, 1.0], [-2.0, 10.0, 10.0]]))
    scaled = ExpectedPurchases(model, owned, np.array([2.0, 4.0], np.float32)).score(np.array([0, 1]))
    # 2 new items x 3/4 and 1/4; what is owned stays on the same scale. 4 x 1/2; below 0 is no interest.
    wanted = [[2 * 4 / 4, 2 * 3 / 4, 2 * 1 / 4], [4 * -2 / 20, 4 * 10 / 20, 4 * 10 / 20]]
    assert scaled.numpy() == pytest.approx(np.array(wanted))


def test_a_user_whom_nothing_new_interests_is_last_not_lost():
    model = Fixed(np.array([[0.0, 0.0], [1.0, 0.0]]))
    scaled = ExpectedPurchases(model, sparse.csr_matrix((2, 2)), np.array([5.0, 1.0], np.float32))
    found = find_audiences(scaled, np.array([0, 1]), np.array([0]), length=2, block_users=1)
    assert found.users.tolist() == [[1, 0]]
    assert found.scores.tolist() == [[1.0, 0.0]]


@pytest.fixture(scope="module")
def recommender(tables, small_config) -> Recommender:
    given = {name: table for name, table in tables.items() if name != "user_features"}
    common = {"config": small_config, "as_of": AS_OF, "device": "cpu", "seed": 0}
    evaluation = evaluate_recommenders(**given, **common)
    return Recommender(**tables, model_evaluations=evaluation.metrics, **common)


def asked(*items: str) -> pl.DataFrame:
    named = {"item_id": items, "chosen_as": ["named"] * len(items)}
    return pl.DataFrame(named, schema={"item_id": pl.String, "chosen_as": pl.String})


def contactable(*users: str) -> pl.DataFrame:
    return pl.DataFrame({"user_id": users}, schema={"user_id": pl.String})


def test_audiences_of_the_small_shop(tables, recommender):
    frame = recommender.item_audiences(asked("i07", "i01"), contactable(*BUYERS[:10], *NEWCOMERS))
    # Sixteen buyers, ten of whom may be written to; newcomers have no history to compare.
    assert set(frame["item_id"]) == {"i01", "i07"}
    assert (frame["score"] > 0).all()
    for (item,), part in frame.group_by("item_id"):
        assert part["rank"].to_list() == [*range(1, part.height + 1)]
        assert part["top_share"].to_list() == pytest.approx([rank / 10 for rank in part["rank"]])
        assert set(part["user_id"]) <= set(BUYERS[:10])
        assert part["score"].is_sorted(descending=True)
        bought = tables["interactions"].filter(item_id=item)["user_id"].unique().to_list()
        assert part["has_bought"].to_list() == [user in bought for user in part["user_id"]]
    assert 0 < frame["has_bought"].sum() < frame.height
    assert frame["candidate_source"].n_unique() == 1


def test_an_item_that_nobody_is_expected_to_want_has_no_audience(recommender, monkeypatch):
    wants = np.full((len(BUYERS + NEWCOMERS), 14), 1.0)
    wants[:, 3], wants[2, 4] = 0.0, -1.0
    monkeypatch.setattr(recommender._workshop, "fit", lambda settings: Fixed(wants))
    frame = recommender.item_audiences(asked("i03", "i04"), contactable(*BUYERS[:4]))
    assert set(frame["item_id"]) == {"i04"}
    assert sorted(frame["user_id"]) == [BUYERS[0], BUYERS[1], BUYERS[3]]


def test_nobody_and_nothing_are_empty_audiences(recommender):
    schema = recommender.item_audiences(asked("i01"), contactable(*BUYERS)).schema
    for items, users in ((asked(), contactable(*BUYERS)), (asked("i01"), contactable(*NEWCOMERS))):
        frame = recommender.item_audiences(items, users)
        assert frame.is_empty()
        assert frame.schema == schema


def test_the_order_of_rows_changes_nothing(recommender):
    once = recommender.item_audiences(asked("i07", "i01"), contactable(*BUYERS))
    again = recommender.item_audiences(asked("i01", "i07"), contactable(*reversed(BUYERS)))
    assert once.equals(again)


def test_lists_are_the_same_whether_audiences_were_asked_for(recommender):
    before = all_lists(recommender, rule_tables())
    recommender.item_audiences(asked("i01"), contactable(*BUYERS))
    assert all_lists(recommender, rule_tables()).equals(before)


def test_an_unknown_user_is_refused(recommender):
    with pytest.raises(ContractError, match=r"contactable_users\.user_id"):
        recommender.item_audiences(asked("i01"), contactable("stranger"))
