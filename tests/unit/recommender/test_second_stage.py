"""The second stage: who is suggested, what is known of it, what is learned from it, and what is on top."""

from dataclasses import replace
from datetime import date
from math import log, log1p

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from recommender_shop import AS_OF, all_lists, rule_tables
from scipy import sparse

from python_ml.config import RecommenderConfig
from python_ml.recommender import workshop
from python_ml.recommender.blend import BlendSettings
from python_ml.recommender.data import Interactions, TextVectors
from python_ml.recommender.evaluate import evaluate_recommenders
from python_ml.recommender.item_attributes import ItemAttributes
from python_ml.recommender.models import (
    HEARD,
    grid,
    second_stage_settings,
    settings_from,
    settings_values,
)
from python_ml.recommender.recommend import Recommender
from python_ml.recommender.second_stage.candidates import Candidates
from python_ml.recommender.second_stage.features import FLOOR, Knowledge, entry_places, relative_scores
from python_ml.recommender.second_stage.ranker import (
    Lesson,
    Ranker,
    RankerSettings,
    _batches,
    list_loss,
    log_shares,
)
from python_ml.recommender.second_stage.second_stage import (
    cannot_learn,
    draw_lesson,
    put_on_top,
    score_all,
    suggest,
)
from python_ml.recommender.split import choose_windows
from python_ml.recommender.workshop import Workshop

RANKER = RankerSettings(epochs=3, batch_users=2, learning_rate=0.01, weight_decay=0.0)


class FixedScores:
    """A model that says what it is told."""

    def __init__(self, rows) -> None:
        self.rows = torch.tensor(rows, dtype=torch.float32)

    def score(self, users: np.ndarray) -> torch.Tensor:
        return self.rows[torch.from_numpy(users)].clone()


def of_one_user(*scores: list[float], depth: int) -> Candidates:
    blocks = [torch.tensor([row]) for row in scores]
    return Candidates.of(blocks[0], blocks, depth)


def test_the_leader_suggests_and_all_are_heard():
    found = of_one_user([0.9, 0.1, 0.5, 0.2], [0.0, 3.0, 2.0, 1.0], depth=3)
    assert found.user.tolist() == [0, 0, 0]
    assert found.item.tolist() == [0, 2, 3]
    assert found.score == pytest.approx(np.array([[0.9, 0.0], [0.5, 2.0], [0.2, 1.0]]))
    assert found.rank.tolist() == [[1, 3], [2, 1], [3, 2]]


def test_of_ties_the_first_items_are_suggested_and_hidden_ones_never():
    found = of_one_user([1.0, 1.0, 1.0], [0.0, 0.0, 5.0], depth=2)
    assert (found.item.tolist(), found.rank.tolist()) == ([0, 1], [[1, 1], [2, 2]])
    hidden = of_one_user([-np.inf, 0.5, -np.inf], depth=2)
    assert hidden.item.tolist() == [1]


def test_nobody_and_nothing_to_suggest():
    nobody = Candidates.of(torch.empty((0, 4)), [torch.empty((0, 4))], 3)
    owner = of_one_user([-np.inf, -np.inf], depth=3)
    for none in (nobody, owner, Candidates.concatenate([nobody, owner])):
        assert (len(none.user), none.score.shape, none.rank.shape) == (0, (0, 1), (0, 1))
    one_item = Candidates.of(torch.tensor([[1.0], [2.0]]), [torch.ones((2, 1))], 3)
    assert (one_item.user.tolist(), one_item.item.tolist()) == ([0, 1], [0, 0])


def test_looking_is_not_buying(toy_texts):
    """What a user looked at is new to them in `discover`, what they bought is not."""
    looked = Interactions.of(
        [0, 0], [0, 1], [1.0, 2.0], [1.0, 0.1], is_purchase=[True, False], n_users=1, n_items=4
    )
    scores = {"ease": torch.tensor([[4.0, 3.0, 2.0, 1.0]])}
    settings = settings_of("discover")
    found = suggest(scores, np.array([0]), knowledge_of(looked, toy_texts), settings)
    assert found.item.tolist() == [1, 2]


def test_the_blend_is_mixed_of_what_its_parts_said(shop):
    settings = settings_of().parts
    blend = shop.fit(BlendSettings(tower_weight=0.3, two_tower=settings["two_tower"], ease=settings["ease"]))
    models = {name: shop.fit(settings[name]) for name in ("ease", "two_tower")} | {"two_tower_ease": blend}
    users = np.array([0, 2])
    scores = score_all(models, users)
    for name, model in models.items():
        assert scores[name].numpy() == pytest.approx(model.score(users).numpy())


SCORES = st.lists(
    st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 2.0]), min_size=5, max_size=5), min_size=1, max_size=4
)


@given(SCORES, SCORES, st.integers(1, 7))
def test_candidates_are_complete_and_ranked_by_everyone(one, other, depth):
    users = min(len(one), len(other))
    blocks = [torch.tensor(rows[:users]) for rows in (one, other)]
    found = Candidates.of(blocks[0], blocks, depth)
    for user in range(users):
        mine = found.user == user
        best = sorted(range(5), key=lambda item, user=user: (-one[user][item], item))[:depth]
        assert found.item[mine].tolist() == best
        for number, rows in enumerate((one, other)):
            order = sorted(best, key=lambda item, rows=rows, user=user: (-rows[user][item], item))
            assert found.rank[mine, number].tolist() == [order.index(item) + 1 for item in best]


def test_scores_relative_to_the_best():
    found = Candidates(
        np.array([0, 0, 3]),
        np.array([1, 2, 1]),
        np.array([[4.0, -1], [1, -2], [0.5, 3]], np.float32),
        np.ones((3, 2)),
    )
    # Where nothing is above zero there is no scale, and what is below zero counts as nothing.
    assert relative_scores(found).tolist() == [[1, 0], [0.25, 0], [1, 1]]


def test_where_entries_stand():
    matrix = sparse.csr_matrix([[0.0, 5.0, 6.0], [0, 0, 0], [7.0, 0, 0]])
    assert entry_places(matrix, np.array([0, 0, 1, 2]), np.array([2, 0, 1, 0])).tolist() == [1, -1, -1, 2]
    assert entry_places(sparse.csr_matrix((2, 2)), np.array([0]), np.array([1])).tolist() == [-1]


def knowledge_of(past: Interactions, texts: TextVectors, now: float = 101.0) -> Knowledge:
    return Knowledge.of(past, now, texts, window_days=15.0)


def test_what_is_known_of_a_pair(toy, toy_texts):
    pairs = Candidates(
        np.array([1, 1]), np.array([1, 2]), np.array([[0.5], [1.0]], np.float32), np.array([[2], [1]])
    )
    not_owned, owned = knowledge_of(toy, toy_texts).features(pairs)
    assert not_owned[:4] == pytest.approx([0.5, log(0.5 + FLOOR), 1 / 2, log(2)])
    assert not_owned[4:16].tolist() == [0.0] * 12  # never had, so nothing of the pair
    assert owned[15] == 1.0
    assert owned[7] == pytest.approx(log1p(1))  # bought once ...
    assert owned[8] == pytest.approx(log1p(101 - 60))  # ... 41 days ago
    # Item 2: since day 73 user 2 alone, since day 10 user 1 as well; first on day 60, last on day 95.
    assert owned[16:21] == pytest.approx([log1p(1), log1p(2), log1p(2), log1p(101 - 60), log1p(101 - 95)])
    # User 1 has two items; since day 86 item 0 alone, which was new; the last on day 99.
    assert owned[21:25] == pytest.approx([log1p(2), log1p(1), log1p(1), log1p(101 - 99)])
    # User 1's text is that of item 0, (1, 0); item 1's is (0.6, 0.8), item 2 has none.
    assert (not_owned[25], owned[25]) == pytest.approx((0.6, 0.0))


def test_shares_go_on_top_and_the_rest_keeps_its_order():
    scores = torch.tensor([[8.0, 4.0, 2.0, 1.0], [-1.0, -2.0, -3.0, 0.0]])
    candidates = Candidates(np.array([0, 0, 1]), np.array([1, 3, 2]), np.zeros((3, 1)), np.zeros((3, 1)))
    found = put_on_top(scores, candidates, np.array([0.2, 0.4, 0.3], np.float32))
    # User 0's lowest candidate has 0.2, so the best of the rest is brought from 8 to 0.1.
    assert found[0].tolist() == pytest.approx([0.1, 0.2, 0.025, 0.4])
    assert found[1].tolist() == pytest.approx([-1.0, -2.0, 0.3, 0.0])  # already below


def test_without_candidates_the_leader_ranks():
    scores = torch.tensor([[3.0, 5.0]])
    nothing = Candidates(np.array([], np.int64), np.array([], np.int64), np.zeros((0, 1)), np.zeros((0, 1)))
    assert put_on_top(scores, nothing, np.array([], np.float32))[0].argsort().tolist() == [0, 1]


@given(
    st.lists(st.floats(-100, 100, width=16), min_size=4, max_size=8, unique=True),
    st.sets(st.integers(0, 3), min_size=0, max_size=3),
    st.floats(1e-6, 0.9),
)
def test_every_candidate_is_above_the_rest(row, chosen, share):
    items = np.array(sorted(chosen), np.int64)
    empty = np.zeros((len(items), 1))
    candidates = Candidates(np.zeros(len(items), np.int64), items, empty, empty)
    found = put_on_top(torch.tensor([row]), candidates, np.full(len(items), share, np.float32))[0].numpy()
    rest = np.setdiff1d(np.arange(len(row)), items)
    assert not len(items) or found[items].min() > found[rest].max()
    assert found[rest].argsort().tolist() == np.array(row)[rest].argsort().tolist()


def lesson_of(label: list[float]) -> Lesson:
    """Six candidates of three users: the leader's opinion, and what decides."""
    feature = np.array([[1, 0], [0.5, 1], [1, 1], [0.5, 0], [1, 0], [0.5, 1]], np.float32)
    return Lesson(np.array([0, 0, 1, 1, 4, 4]), feature, np.array(label, np.float32))


def fit_ranker(lesson: Lesson, leader: int = 0, **changes) -> Ranker:
    settings = replace(RANKER, **changes)
    return Ranker.fit(lesson, settings, leader=leader, seed=0, device=torch.device("cpu"))


ROWS = np.array([0, 0, 1, 1, 2, 2])


def test_shares_by_hand():
    logit = torch.tensor([log(3.0), 0.0, 200.0, 200.0, -300.0])
    shares = log_shares(logit, torch.tensor([0, 0, 1, 1, 2])).exp()
    assert shares.tolist() == pytest.approx([0.75, 0.25, 0.5, 0.5, 1.0])
    assert log_shares(torch.empty(0), torch.empty(0, dtype=torch.int64)).tolist() == []


def test_the_loss_by_hand():
    logit = torch.tensor([log(3.0), 0.0, 0.0, 0.0, 0.0, 0.0])
    row = torch.tensor([0, 0, 1, 1, 1, 1])
    # One thing bought of share 3/4; four of share 1/4, each weighing 1/sqrt(4).
    loss = -(log(3 / 4) + 4 * 0.5 * log(1 / 4)) / (1 + 4 * 0.5)
    assert list_loss(logit, torch.tensor([1.0, 0, 1, 1, 1, 1]), row).item() == pytest.approx(loss)


def test_the_network_learns_what_decides():
    lesson = lesson_of([0, 1, 1, 0, 0, 1])
    shares = fit_ranker(lesson, epochs=40, learning_rate=0.05).shares(lesson.features, ROWS)
    assert (shares > 0.5).tolist() == [False, True, True, False, False, True]
    assert shares.reshape(3, 2).sum(axis=1) == pytest.approx(np.ones(3))


def test_users_who_bought_none_of_theirs_teach_nothing():
    lesson = lesson_of([0, 1, 1, 0, 0, 0])
    batches = list(_batches(lesson, RANKER, np.random.default_rng(0)))
    assert [sorted(batch.tolist()) for batch in batches] == [[0, 1, 2, 3]] * RANKER.epochs
    one_by_one = list(_batches(lesson, replace(RANKER, batch_users=1), np.random.default_rng(0)))
    assert sorted(batch.tolist() for batch in one_by_one[:2]) == [[0, 1], [2, 3]]


def test_without_anything_bought_the_leader_decides():
    lesson = lesson_of([0] * 6)
    assert fit_ranker(lesson).shares(lesson.features, ROWS)[:2].argsort().tolist() == [1, 0]
    assert fit_ranker(lesson, leader=1).shares(lesson.features, ROWS)[:2].argsort().tolist() == [0, 1]
    empty = Lesson(np.array([], np.int64), np.empty((0, 2), np.float32), np.array([], np.float32))
    assert fit_ranker(empty).shares(lesson.features, ROWS)[:2].argsort().tolist() == [1, 0]


def test_a_ranker_is_what_its_arrays_say_and_is_trained_the_same_again():
    lesson = lesson_of([0, 1, 1, 0, 0, 1])
    one, again = fit_ranker(lesson), fit_ranker(lesson)
    restored = Ranker.restore(one.arrays(), torch.device("cpu"))
    for other in (again, restored):
        shares = other.shares(lesson.features, ROWS)
        assert shares.tolist() == one.shares(lesson.features, ROWS).tolist()


def nothing_known(past: Interactions) -> ItemAttributes:
    return ItemAttributes.listed([[]] * past.n_items)


@pytest.fixture
def shop(toy, toy_texts, cpu) -> Workshop:
    return Workshop(toy, 101.0, toy_texts, nothing_known(toy), RecommenderConfig(**SMALL), seed=0, device=cpu)


SMALL = {
    "popularity_window_days": (28,), "frequency_half_life_days": (0.0,), "knn_weightings": ("cosine",),
    "knn_neighbours": (4,), "knn_min_buyers": 1, "sequence_gap_powers": (0.0,), "sequence_decays": (1.0,),
    "ease_l2": (1.0,), "ease_half_life_days": (0.0,), "personal_weights": (0.5,), "dimension": 2, "epochs": 1,
    "batch_users": 4, "negatives": 4, "second_stage_depth": 2, "second_stage_min_users": 1,
}  # fmt: skip


def settings_of(list_name: str = "for_you", window_days: float = 10.0, **changes):
    config = RecommenderConfig(**(SMALL | changes))
    parts = {name: grid(name, config, window_days)[0] for name in HEARD if name != "two_tower_ease"}
    return second_stage_settings(parts, "ease", list_name, config, window_days)


def test_no_label_reaches_a_feature(shop, toy, toy_texts):
    """Whatever is bought in the window, features are those of before it; labels are what was bought."""
    settings = settings_of()
    before = toy.before(91.0)  # user 0 bought item 0 on day 90 and item 1, user 1 item 2; user 2 is not known
    window = toy.between(91.0, 101.0)  # item 0 by users 0 and 1, item 2 by user 2
    models = {"ease": FixedScores([[4.0, 3, 2, 1]] * 3)}
    given = dict(settings=settings, seed=0, block_users=2)
    lesson = draw_lesson(models, knowledge_of(before, toy_texts, 91.0), before, window, **given)
    assert lesson.user.tolist() == [0, 0, 1, 1]  # two suggestions each: items 0 and 1
    assert lesson.label.tolist() == [1, 0, 1, 0]
    other = Interactions.of([0, 1], [1, 1], [95.0, 96.0], np.ones(2), n_users=3, n_items=4)
    changed = draw_lesson(models, knowledge_of(before, toy_texts, 91.0), before, other, **given)
    assert changed.label.tolist() == [0, 1, 0, 1]
    assert changed.features.tolist() == lesson.features.tolist()


def test_the_models_that_suggest_for_the_lesson_have_not_seen_the_window(shop, monkeypatch):
    seen = []
    learn = Workshop.learn_ranker

    def spy(self, settings, window):
        seen.append((self.now, self.past.day.max(), window.day.min(), window.day.max()))
        return learn(self, settings, window)

    monkeypatch.setattr(Workshop, "learn_ranker", spy)
    shop.fit(settings_of())
    shop.fit(settings_of())
    assert seen == [(91.0, 90.0, 95.0, 100.0)]  # once: the second time it is known


def test_windows_before_are_learned_from_as_well_until_there_is_nothing(shop, monkeypatch):
    drawn = []
    draw = workshop.draw_lesson

    def spy(models, knowledge, past, window, settings, **given):
        drawn.append((past.day.max(), sorted(window.day.tolist())))
        return draw(models, knowledge, past, window, settings, **given)

    monkeypatch.setattr(workshop, "draw_lesson", spy)
    shop.ranker(settings_of(window_days=15.0, second_stage_windows=9))
    # From day 86, from day 71, and not from day 56, before which nothing was bought.
    assert drawn == [(80.0, [90.0, 95.0, 99.0, 100.0]), (60.0, [80.0])]


def test_a_lesson_is_drawn_once(shop, toy, monkeypatch):
    """Validation and the test split both learn from the windows before validation."""
    drawn = []
    draw = workshop.draw_lesson

    def spy(models, knowledge, past, window, settings, **given):
        drawn.append(past.day.max())
        return draw(models, knowledge, past, window, settings, **given)

    monkeypatch.setattr(workshop, "draw_lesson", spy)
    settings = settings_of(window_days=15.0, second_stage_windows=2)
    shop.ranker(settings)
    assert drawn == [80.0, 60.0]
    shop.learn_ranker(settings, toy.between(101.0, 116.0))
    assert drawn == [80.0, 60.0, 100.0]


def test_a_user_of_two_lessons_is_two_users():
    lesson = lesson_of([0, 1, 1, 0, 0, 1])
    both = Lesson.concatenate([lesson, lesson])
    assert both.user.tolist() == [0, 0, 1, 1, 4, 4, 5, 5, 6, 6, 9, 9]
    assert both.label.tolist() == lesson.label.tolist() * 2


def test_what_was_learned_at_the_cut_before_is_what_is_learned_from_scratch(shop, toy, toy_texts, cpu):
    """The evaluation hands the network on from the validation split; publishing starts from nothing."""
    settings = settings_of("discover")
    earlier = Workshop(
        toy.before(91.0), 91.0, toy_texts, nothing_known(toy), RecommenderConfig(**SMALL), seed=0, device=cpu
    )
    handed = earlier.learn_ranker(settings, toy.between(91.0, 101.0)).arrays()
    fresh = shop.ranker(settings).arrays()
    assert {name: array.tolist() for name, array in handed.items()} == {
        name: array.tolist() for name, array in fresh.items()
    }


def test_discover_suggests_only_what_is_new(shop, toy):
    owned = toy.pairs().toarray() > 0
    everybody = np.arange(3)
    model = shop.fit(settings_of("discover"))
    scores = model.score(everybody).numpy()
    assert (scores >= 0).all() or np.isfinite(scores).all()
    new = np.where(owned, -np.inf, scores).argmax(axis=1)
    assert (scores[everybody, new] > np.where(owned, scores, -np.inf).max(axis=1)).all()


def test_reasons_are_those_of_the_leader(shop):
    model = shop.fit(settings_of())
    history, weight = model.explainer()(0, np.array([2, 3]))
    same_history, same_weight = shop.fit(settings_of().parts["ease"]).explainer()(0, np.array([2, 3]))
    assert (history.tolist(), weight.tolist()) == (same_history.tolist(), same_weight.tolist())
    popular = shop.fit(replace(settings_of(), leader="popularity"))
    assert popular.explainer()(0, np.array([2]))[0].tolist() == [0, 1]  # of the towers


def test_a_catalogue_of_one_item(cpu):
    past = Interactions.of([0, 0, 1], [0, 0, 0], [1.0, 20.0, 5.0], np.ones(3), n_users=2, n_items=1)
    texts = TextVectors(np.ones((1, 1), np.float32), np.array([0]))
    for list_name in ("for_you", "discover"):
        shop = Workshop(
            past, 30.0, texts, nothing_known(past), RecommenderConfig(**SMALL), seed=0, device=cpu
        )
        assert np.isfinite(shop.fit(settings_of(list_name)).score(np.array([0, 1])).numpy()).all()


def test_shops_it_cannot_learn_in_say_why(toy):
    windows = choose_windows(toy.day, date(1970, 4, 12), 10)
    config = RecommenderConfig(second_stage_min_users=2, second_stage_max_scores=9)
    # Three users, three items that were ever sold.
    assert cannot_learn(toy, windows, config) == (
        "0 users known before the window it would learn from bought in it; needs 2 (second_stage_min_users)"
    )
    assert "3 users by 3 items" in cannot_learn(toy, windows, replace(config, second_stage_max_scores=8))


def test_settings_survive_json_with_all_their_parts():
    settings = settings_of("discover")
    assert settings_from("second_stage", settings_values(settings)) == settings


@pytest.fixture(scope="module")
def led_by_second_stage(tables, small_config) -> dict:
    """Arguments of a recommender whose lists the second stage writes."""
    given = {name: table for name, table in tables.items() if name != "user_features"}
    metrics = evaluate_recommenders(**given, config=small_config, as_of=AS_OF, device="cpu", seed=0).metrics
    metrics = metrics.with_columns(is_champion=pl.col("model_name") == "second_stage")
    arguments = {
        "model_evaluations": metrics,
        "config": small_config,
        "as_of": AS_OF,
        "device": "cpu",
        "seed": 0,
    }
    return tables | arguments


def test_what_was_saved_writes_the_same_lists(led_by_second_stage, monkeypatch):
    fresh = Recommender(**led_by_second_stage)
    lists, weights = all_lists(fresh, rule_tables()), fresh.weights()
    assert set(lists.filter(pl.col("user_id") == "u00")["candidate_source"]) == {"second_stage"}
    assert set(lists.filter(list_name="for_you").group_by("user_id").len()["len"]) == {5}
    assert {name.split(".")[1] for name in weights if name.startswith("second_stage.")} == {
        "for_you",
        "discover",
    }
    monkeypatch.setattr(Workshop, "learn_ranker", None)  # nothing is left to learn
    again = Recommender(**led_by_second_stage, trained=weights)
    assert all_lists(again, rule_tables()).equals(lists)
