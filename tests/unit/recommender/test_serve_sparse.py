"""Lists of a model that knows few items: filled up by best-sellers, and made without looking at the rest."""

from math import inf

import numpy as np
import pytest
import torch
from scipy import sparse

from python_ml.recommender import serve as serving
from python_ml.recommender.arrange import Arrangement
from python_ml.recommender.data import TextVectors
from python_ml.recommender.diversify import Diversity
from python_ml.recommender.explore import NO_EXPLORATION, Exploration
from python_ml.recommender.ranking import dense_part, in_columns
from python_ml.recommender.rules import NO_RULES, Boost, Cap, Hidden, Pin, Recent, Rules
from python_ml.recommender.serve import FILLER, Lists, filler_of, serve

USERS, ITEMS = 23, 40


class Sparse:
    """A model that says what it is told, and counts whose whole rows it was asked for."""

    def __init__(self, rows) -> None:
        self.rows = sparse.csr_matrix(rows, dtype=np.float32)
        self.laid_out: list[int] = []

    def score(self, users: np.ndarray) -> torch.Tensor:
        self.laid_out += users.tolist()
        return torch.from_numpy(self.rows[users].toarray())

    def sparse_scores(self, users: np.ndarray) -> sparse.csr_matrix:
        return self.rows[users]


def listed(model: Sparse, owned, plan: Arrangement, sellers, list_name="discover", publishable=None) -> Lists:
    publishable = np.ones(owned.shape[1], bool) if publishable is None else publishable
    users = np.arange(owned.shape[0])
    filler = filler_of(sellers)
    return serve(
        model, users, owned, publishable, list_name=list_name, plan=plan, block_users=4, filler=filler
    )


def test_best_sellers_fill_up_behind_all_that_is_known():
    model, owned = Sparse([[0, 1e-6, 0, 0, 0, 0]]), sparse.csr_matrix([[0.0, 0, 0, 1, 0, 0]])
    sellers = np.array([4.0, 0.0, 8.0, 9.0, 0.0, 9.0])
    lists = listed(model, owned, Arrangement(length=5), sellers)
    # Item 3 is owned; items 5, 2 and 0 sell best; of items 1 and 4 only the first is known.
    assert lists.items.tolist() == [[1, 5, 2, 0, 4]]
    assert lists.scores[0] == pytest.approx([1e-6, FILLER, FILLER * 2 / 3, FILLER * 1 / 3, 0.0], rel=1e-5)


def test_best_sellers_keep_their_order_however_little_they_differ():
    sellers = np.array([16.0, 16.0 + 1e-9, 16.0, 3.0])
    filler = filler_of(sellers)
    assert filler.dtype == np.float32
    assert np.argsort(-filler, kind="stable").tolist() == [1, 0, 2, 3]
    assert filler[0] == filler[2]
    assert filler_of(np.array([5.0])).tolist() == [0.0]


def test_only_who_needs_the_whole_catalogue_gets_it(monkeypatch):
    monkeypatch.setattr(serving, "LARGE_CATALOGUE", 1)
    monkeypatch.setattr(serving, "SELLERS", 0)  # two are looked at: as many as a list is long
    model = Sparse([[0, 0, 0, 5, 4], [0, 0, 0, 0, 4], [0, 0, 0, 0, 4]])
    owned = sparse.csr_matrix([[0.0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 0, 0, 0]])
    lists = listed(model, owned, Arrangement(length=2), np.array([9.0, 8.0, 7.0, 6.0, 5.0]))
    assert lists.items.tolist() == [[3, 4], [4, 0], [4, 2]]
    assert model.laid_out == [2]  # who owns both of the best-sellers


def test_an_item_left_out_may_be_boosted_to_the_front(monkeypatch):
    monkeypatch.setattr(serving, "LARGE_CATALOGUE", 1)
    monkeypatch.setattr(serving, "SELLERS", 0)
    rules = Rules(rule_ids=("up",), boosts=(Boost(0, np.array([False, True, False]), 3.0),))
    plan, nothing = Arrangement(length=1, rules=rules), sparse.csr_matrix((1, 3))
    lists = listed(Sparse(np.zeros((1, 3))), nothing, plan, np.array([9.0, 8.0, 7.0]))
    assert lists.items.tolist() == [[1]]


def test_an_item_left_out_may_be_one_that_is_removed(monkeypatch):
    monkeypatch.setattr(serving, "LARGE_CATALOGUE", 1)
    monkeypatch.setattr(serving, "SELLERS", 0)
    plan = Arrangement(length=2, rules=Rules(rule_ids=("pin",), pins=(Pin(0, item=2, place=1),)))
    owned = sparse.csr_matrix([[1.0, 1, 0, 0, 0]])  # the two best-sellers: the next is item 4
    publishable = np.array([True, True, True, True, False])
    model, sellers = Sparse([[0, 0, 0, 5, 0]]), np.array([9.0, 8.0, 1.0, 2.0, 7.0])
    lists = listed(model, owned, plan, sellers, publishable=publishable)
    assert lists.items.tolist() == [[2, 3]]
    assert lists.removed.tolist() == [True]  # without a pin items 3 and 4 would have been shown


def drawn(seed: int) -> tuple[Sparse, sparse.csr_matrix, np.ndarray, np.ndarray, Arrangement]:
    """Scores with ties and empty rows, purchases, and a plan with rules of every kind."""
    draw = np.random.default_rng(seed)

    def some(share: float, shape) -> np.ndarray:
        return draw.random(shape) < share

    scores = draw.integers(1, 5, (USERS, ITEMS)) * some(draw.choice([0.0, 0.1, 0.4]), (USERS, ITEMS))
    rules = Rules(
        rule_ids=("hidden", "adults", "recent", "up", "down", "pin", "cap"),
        hidden=(Hidden(0, some(0.1, ITEMS)), Hidden(1, some(0.2, ITEMS), but_for=some(0.5, USERS))),
        recent=(Recent(2, sparse.csr_matrix(some(0.1, (USERS, ITEMS)), dtype=np.float64)),),
        boosts=(Boost(3, some(0.2, ITEMS), 2.5), Boost(4, some(0.2, ITEMS), 0.3)),
        pins=(Pin(5, item=int(draw.integers(ITEMS)), place=2),),
        caps=(Cap(6, draw.integers(-1, 6, ITEMS), 2),),
    )
    texts = TextVectors(np.eye(3, dtype=np.float32), draw.integers(-1, 3, ITEMS))
    diversity = Diversity(weight=0.4, candidates=8, texts=texts, category=draw.integers(0, 4, ITEMS))
    ids = [f"u{number}" for number in range(USERS)]
    exploration = Exploration(slots=2, pool=5, user_ids=ids, label=str(seed))
    plan = Arrangement(
        length=6,
        rules=rules if seed % 2 else NO_RULES,
        diversity=diversity if seed % 3 else None,
        exploration=exploration if seed % 5 else NO_EXPLORATION,
    )
    owned = sparse.csr_matrix(some(0.2, (USERS, ITEMS)), dtype=np.float64)
    return Sparse(scores), owned, draw.integers(0, 4, ITEMS).astype(float), ~some(0.1, ITEMS), plan


@pytest.mark.parametrize("list_name", ["for_you", "discover"])
@pytest.mark.parametrize("seed", range(30))
def test_what_is_left_out_changes_nothing(monkeypatch, seed, list_name):
    model, owned, sellers, publishable, plan = drawn(seed)
    monkeypatch.setattr(serving, "LARGE_CATALOGUE", inf)
    whole = listed(model, owned, plan, sellers, list_name, publishable)
    for name, value in (("LARGE_CATALOGUE", 1), ("SPARSE_USERS", 10), ("PART_USERS", 3), ("SELLERS", 3)):
        monkeypatch.setattr(serving, name, value)
    model.laid_out.clear()
    parts = listed(model, owned, plan, sellers, list_name, publishable)
    for name in ("users", "items", "removed", "touched", "drawn_from"):
        assert getattr(parts, name).tolist() == getattr(whole, name).tolist(), name
    assert parts.scores == pytest.approx(whole.scores)
    assert len(model.laid_out) <= USERS


def test_not_everybody_is_laid_out_in_these_cases(monkeypatch):
    monkeypatch.setattr(serving, "LARGE_CATALOGUE", 1)
    monkeypatch.setattr(serving, "SELLERS", 3)
    laid_out = []
    for seed in range(30):
        model, owned, sellers, publishable, plan = drawn(seed)
        listed(model, owned, plan, sellers, publishable=publishable)
        laid_out.append(len(model.laid_out))
    assert 0 < sum(laid_out) < 30 * USERS


def test_columns_of_rows_by_hand():
    rows = sparse.csr_matrix([[1.0, 0, 2, 3, 0], [0, 0, 0, 0, 0], [0, 4, 0, 5, 6]])
    assert in_columns(rows, np.array([1, 3])).toarray().tolist() == [[0, 3], [0, 0], [4, 5]]
    assert in_columns(rows, np.array([], dtype=np.int64)).shape == (3, 0)


def test_a_part_of_a_matrix_by_hand():
    matrix = sparse.csr_matrix([[1.0, 0, 2, 3, 0], [0, 0, 0, 0, 0], [0, 4, 0, 5, 6]])
    assert dense_part(matrix, np.array([2, 0]), np.array([3, 1, 0])).tolist() == [[5, 4, 0], [3, 0, 1]]
    assert dense_part(matrix, np.array([1]), np.array([4])).tolist() == [[0]]
    assert dense_part(matrix, np.array([], dtype=np.int64), np.array([4, 0])).shape == (0, 2)
    assert dense_part(matrix, np.array([2]), np.array([], dtype=np.int64)).shape == (1, 0)
