"""The towers, their training, the repeat network, and both together."""

from dataclasses import replace
from math import log

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from python_ml.config import RecommenderConfig
from python_ml.recommender import repeat, train
from python_ml.recommender.blend import Blend
from python_ml.recommender.data import Interactions, TextVectors
from python_ml.recommender.ease import Ease, EaseSettings
from python_ml.recommender.item_attributes import ItemAttributes
from python_ml.recommender.models import two_tower_settings
from python_ml.recommender.ranking import top_k
from python_ml.recommender.repeat import HALF_LIVES_DAYS, fit_repeat_network, pair_features
from python_ml.recommender.train import Judge, hide, train_two_tower
from python_ml.recommender.two_tower import (
    HistoryBatch,
    TwoTower,
    all_history_vectors,
    all_item_vectors,
    all_user_vectors,
)
from python_ml.recommender.two_tower_recommender import (
    TwoTowerRecommender,
    expected_new_items,
    log_popularity,
)

CONFIG = RecommenderConfig(
    dimension=4,
    min_buyers=2,
    epochs=30,
    batch_users=8,
    negatives=10,
    learning_rate=0.05,
    repeat_windows=2,
    repeat_batch_pairs=32,
)
SETTINGS = two_tower_settings(CONFIG, 1.0, CONFIG.window_days)
NOW = 200.0
BY_TASTE = ItemAttributes.listed([[0]] * 5 + [[1]] * 5 + [[0]])


@pytest.fixture(scope="module")
def two_tastes() -> Interactions:
    """Twelve users; the even ones buy from items 0-4, the odd ones from items 5-9; item 10 is never sold."""
    generator = np.random.default_rng(3)
    rows = [
        (user, 5 * (user % 2) + generator.integers(5), day)
        for user in range(12)
        for day in generator.choice(200, 12, replace=False)
    ]
    user, item, day = np.array(rows).T
    return Interactions.of(user, item, day, np.ones(len(user)), n_users=13, n_items=11)


@pytest.fixture(scope="module")
def texts_of_two_tastes():
    vectors = np.eye(2, dtype=np.float32)
    return TextVectors(vectors, np.array([0] * 5 + [1] * 5 + [0]))


def fitted(two_tastes, texts, attributes=None, **changes) -> TwoTowerRecommender:
    return TwoTowerRecommender.fit(
        two_tastes,
        replace(SETTINGS, **changes),
        now=NOW,
        texts=texts,
        attributes=attributes,
        seed=0,
        device=torch.device("cpu"),
    )


@pytest.fixture(scope="module")
def model(two_tastes, texts_of_two_tastes) -> TwoTowerRecommender:
    return fitted(two_tastes, texts_of_two_tastes)


@pytest.fixture(scope="module")
def told_by_attributes(two_tastes) -> TwoTowerRecommender:
    """Nothing is written of any item; the one that is never sold has the attribute of items 0 to 4."""
    nothing = TextVectors(np.empty((0, 1), np.float32), np.full(11, -1))
    return fitted(two_tastes, nothing, attributes=BY_TASTE)


def untrained(toy_texts, seed: int = 0, attributes: ItemAttributes | None = None) -> TwoTower:
    generator = torch.Generator().manual_seed(seed)
    return TwoTower(toy_texts, np.array([True, False, True, False]), 3, generator, attributes)


def test_untrained_users_have_no_taste(toy, toy_texts):
    vectors = all_user_vectors(untrained(toy_texts), toy.matrix().astype(np.float32))
    assert vectors.abs().max() == 0.0


def test_items_with_one_text_start_level_and_an_unknown_text_is_zero(toy_texts):
    vectors = all_item_vectors(untrained(toy_texts))
    assert vectors[0].tolist() == vectors[3].tolist()
    assert vectors[2].tolist() == [0.0, 0.0, 0.0]
    assert vectors[1].abs().max() > 0.0


def test_only_items_with_enough_buyers_learn_a_vector_of_their_own(toy_texts):
    tower = untrained(toy_texts)
    with torch.no_grad():
        tower.item_own.weight[1:] += 1.0
    moved = all_item_vectors(tower) - all_item_vectors(untrained(toy_texts))
    assert moved.abs().sum(1).tolist() == [3.0, 0.0, 3.0, 0.0]


def test_user_vector_is_the_weighted_sum_of_the_history(toy_texts):
    tower = untrained(toy_texts)
    with torch.no_grad():
        tower.user_projection.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
        tower.user_projection.bias.copy_(torch.tensor([0.0, 0.0, 0.5]))
    rows = sparse.csr_matrix(np.array([[3.0, 4.0, 0, 0]], dtype=np.float32))
    # Unit length: 3/5 and 4/5; the texts are (1, 0) and (0.6, 0.8).
    found = tower.user_vectors(HistoryBatch.of(rows, torch.device("cpu")))
    assert found.tolist()[0] == pytest.approx([3 / 5 + 4 / 5 * 0.6, 4 / 5 * 0.8, 0.5])


def test_vectors_of_attributes_are_part_of_items_on_both_sides(toy_texts):
    attributes = ItemAttributes.listed([[0, 1], [1], [], [1]])
    plain, tower = untrained(toy_texts), untrained(toy_texts, attributes=attributes)
    # At the start they are nothing.
    assert torch.equal(all_item_vectors(tower), all_item_vectors(plain))
    rows = torch.tensor([[9.0, 9.0, 9.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])  # the first is of no attribute
    with torch.no_grad():
        tower.item_attribute.weight.copy_(rows)
        tower.history_attribute.weight.copy_(-rows)
    half = 0.5**0.5
    of_item = torch.tensor([[half, 2 * half, 0], [0, 2.0, 0], [0, 0, 0], [0, 2.0, 0]])
    torch.testing.assert_close(all_item_vectors(tower) - all_item_vectors(plain), of_item)
    torch.testing.assert_close(all_history_vectors(tower) - all_history_vectors(plain), -of_item)
    # Unit length: 3/5 and 4/5 of items 0 and 2, then item 1 alone, then nobody's history.
    bought = sparse.csr_matrix(np.array([[3, 0, 4, 0], [0, 2, 0, 0], [0, 0, 0, 0]], dtype=np.float32))
    history = HistoryBatch.of(bought, torch.device("cpu"))
    moved = tower.user_vectors(history) - plain.user_vectors(history)
    torch.testing.assert_close(moved, torch.stack([-0.6 * of_item[0], -of_item[1], torch.zeros(3)]))


def test_own_vectors_count_as_much_as_is_asked(toy_texts):
    attributes = ItemAttributes.listed([[0], [0], [0], [0]])
    tower = untrained(toy_texts, attributes=attributes)
    with torch.no_grad():
        tower.item_attribute.weight[1:] += 3.0
        shared = all_item_vectors(tower)
        tower.item_own.weight[1:] += 1.0
    moved = all_item_vectors(tower, own_share=0.25) - shared
    torch.testing.assert_close(moved, torch.tensor([[0.25], [0.0], [0.25], [0.0]]).expand(4, 3))


@given(st.lists(st.integers(2, 9), min_size=1, max_size=5), st.floats(0.0, 1.0), st.integers(0, 99))
def test_hiding_splits_every_history_in_two(sizes, share, seed):
    rows = sparse.csr_matrix(np.array([[1.0] * size + [0.0] * (9 - size) for size in sizes]))
    settings = replace(SETTINGS.train, hidden_share=share, positives_per_user=3)
    shown, user, item = hide(rows, settings, np.random.default_rng(seed))
    for row, size in enumerate(sizes):
        hidden = set(item[user == row])
        left = set(shown.indices[shown.indptr[row] : shown.indptr[row + 1]])
        wanted = min(max(round(size * share), 1), size - 1)
        assert len(left) == size - wanted
        assert len(hidden) == min(wanted, 3)
        assert not hidden & left


def test_training_learns_the_tastes(model, two_tastes):
    assert model.history.loss[-1] < model.history.loss[0] - 0.1
    affinity = (model.user_vectors @ model.item_vectors.T).numpy()
    assert (affinity[0:12:2, :5].mean(1) > affinity[0:12:2, 5:10].mean(1)).all()
    assert (affinity[1:12:2, 5:10].mean(1) > affinity[1:12:2, :5].mean(1)).all()


def test_a_cold_item_is_placed_by_its_text(model):
    affinity = (model.user_vectors @ model.item_vectors.T).numpy()
    assert affinity[0, 10] > affinity[1, 10]


def test_a_cold_item_is_placed_by_its_attributes(told_by_attributes):
    affinity = (told_by_attributes.user_vectors @ told_by_attributes.item_vectors.T).numpy()
    assert (affinity[0:12:2, 10] > affinity[1:12:2, 10].max()).all()


def test_saved_weights_of_attributes_give_the_same_scores(told_by_attributes, two_tastes, cpu):
    nothing = TextVectors(np.empty((0, 1), np.float32), np.full(11, -1))
    arrays = told_by_attributes.arrays()
    assert arrays["towers.history_attribute.weight"].shape == (3, 4)
    again = TwoTowerRecommender.restore(
        two_tastes, SETTINGS, arrays, now=NOW, texts=nothing, attributes=BY_TASTE, device=cpu
    )
    users = np.arange(13)
    assert torch.equal(again.score(users), told_by_attributes.score(users))


def test_binary_cross_entropy_trains_too(two_tastes, texts_of_two_tastes):
    train = replace(SETTINGS.train, objective="binary_cross_entropy")
    losses = fitted(two_tastes, texts_of_two_tastes, train=train).history.loss
    assert losses[-1] < losses[0]


def test_weight_decay_shrinks_the_vectors_of_items_alone(model, two_tastes, texts_of_two_tastes):
    decayed = fitted(two_tastes, texts_of_two_tastes, train=replace(SETTINGS.train, weight_decay=10.0))
    for name in ("item_own", "history_own"):
        norm, free = (getattr(each.tower, name).weight.norm() for each in (decayed, model))
        assert norm < 0.5 * free
    shared, free = (each.tower.item_projection.weight.norm() for each in (decayed, model))
    assert shared > 0.5 * free


def test_same_seed_gives_the_same_model(model, two_tastes, texts_of_two_tastes):
    again = fitted(two_tastes, texts_of_two_tastes)
    users = np.arange(13)
    assert torch.equal(model.score(users), again.score(users))
    assert model.history.loss == again.history.loss


def test_saved_weights_give_the_same_vectors(model, texts_of_two_tastes):
    arrays = model.arrays()
    has_own = arrays["towers.slot_of_item"] > 0
    tower = TwoTower(texts_of_two_tastes, has_own, 4, torch.Generator().manual_seed(99))
    state = {
        name.removeprefix("towers."): torch.from_numpy(np.array(value))
        for name, value in arrays.items()
        if name.startswith("towers.")
    }
    tower.load_state_dict(state)
    assert torch.equal(all_item_vectors(tower), model.item_vectors)
    assert torch.equal(all_user_vectors(tower, model.counts), model.user_vectors)


def test_tastes_are_learnt_without_any_text(two_tastes):
    nothing = TextVectors(np.empty((0, 1), np.float32), np.full(11, -1))
    model = fitted(two_tastes, nothing)
    unit = torch.nn.functional.normalize(model.item_vectors[:10], dim=1)
    cosine = (unit @ unit.T).numpy()
    same = np.arange(10)[:, None] // 5 == np.arange(10) // 5
    assert cosine[same & ~np.eye(10, dtype=bool)].mean() > cosine[~same].mean() + 0.3
    assert model.item_vectors[10].abs().max() == 0.0  # never sold, and nothing said of it
    fresh = TwoTower(nothing, np.ones(11, bool), 4, torch.Generator())
    assert all_user_vectors(fresh, two_tastes.matrix().astype(np.float32)).abs().max() == 0.0


def test_a_user_without_history_gets_popularity(model):
    order = model.score(np.array([12]))[0].argsort(descending=True)
    assert order.tolist()[0] == int(model.log_prior.argmax())
    assert model.user_vectors[12].abs().max() == 0.0


def test_new_items_share_the_expected_number_of_new_items(model):
    score = model.score(np.array([0]))[0].numpy()
    owned = model.repeat[0].indices
    new = np.setdiff1d(np.arange(11), owned)
    assert score[new].sum() == pytest.approx(model.expected_new[0], rel=1e-5)
    assert score[owned] == pytest.approx(model.repeat[0].data)


def test_scores_of_new_items_are_shares_of_how_many_are_expected(model):
    """By the formula in double precision: exp(affinity + popularity) over its sum, times what is expected."""
    users = np.array([0, 12, 3, 3])
    expected = model.repeat[users].toarray().astype(np.float64)
    affinity = (model.user_vectors[users] @ model.item_vectors.T).double().numpy()
    power = np.exp(affinity * model.personal_weight + model.log_prior.double().numpy())
    power[expected > 0] = 0.0
    share = power / power.sum(axis=1, keepdims=True) * model.expected_new[users, None]
    expected = np.where(expected > 0, expected, share)
    given = model.buffer(6).fill_(torch.nan)
    found = model.score(users, given)
    assert found.data_ptr() == given.data_ptr()
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-5)
    np.testing.assert_allclose(model.score(users).numpy(), expected, rtol=2e-5)


def test_a_user_who_owns_everything_is_served_repeats(texts_of_two_tastes):
    everything = Interactions.of(
        np.zeros(11), np.arange(11), np.arange(11), np.ones(11), n_users=1, n_items=11
    )
    score = fitted(everything, texts_of_two_tastes).score(np.array([0]))
    assert torch.isfinite(score).all()


def test_personal_weight_needs_no_training(model):
    flat = model.with_weight(0.0).score(np.array([0, 1]))
    new_to_both = np.setdiff1d(np.arange(11), np.union1d(model.repeat[0].indices, model.repeat[1].indices))
    ratio = flat[:, new_to_both] / flat[:, new_to_both].sum(1, keepdim=True)
    assert ratio[0].tolist() == pytest.approx(ratio[1].tolist())


@pytest.mark.parametrize("name", ["model", "told_by_attributes"])
def test_contributions_add_up_to_the_affinity(name, request):
    model = request.getfixturevalue(name)
    items = np.array([10])
    _, weight = model.with_weight(0.5).explainer()(0, items)
    bias = model.tower.user_projection.bias @ model.item_vectors[10]
    affinity = model.user_vectors[0] @ model.item_vectors[10] - bias
    assert weight.sum() == pytest.approx(0.5 * affinity.item(), rel=1e-4)


def test_early_stopping_returns_to_the_best_weights(two_tastes, texts_of_two_tastes, toy):
    seen = []

    def metric(tower):
        seen.append({name: value.clone() for name, value in tower.state_dict().items()})
        return [0.1, 0.3, 0.2, 0.2, 0.9][len(seen) - 1]

    tower = TwoTower(texts_of_two_tastes, np.ones(11, bool), 4, torch.Generator().manual_seed(0))
    record = train_two_tower(
        tower,
        two_tastes.matrix().astype(np.float32),
        log_popularity(two_tastes),
        SETTINGS.train,
        seed=0,
        judge=Judge(metric, every=2, patience=2),
    )
    assert record.judged == {2: 0.1, 4: 0.3, 6: 0.2, 8: 0.2}
    assert record.best_epoch == 4
    assert len(record.loss) == 8
    assert all(torch.equal(value, seen[1][name]) for name, value in tower.state_dict().items())


def test_nobody_with_two_items_means_no_training(toy_texts, cpu):
    once = Interactions.of([0, 1], [0, 1], [1.0, 2.0], [1, 1], n_users=2, n_items=4)
    model = TwoTowerRecommender.fit(once, SETTINGS, now=NOW, texts=toy_texts, seed=0, device=cpu)
    assert model.history.loss == []
    assert torch.isfinite(model.score(np.arange(2))).all()


def test_pair_features_by_hand(toy):
    pairs, features = pair_features(toy, now=110.0)
    assert (pairs[0, 0], pairs.nnz) == (2.0, 5)
    first = features[0]  # user 0, item 0, bought on days 90 and 100
    decayed = [log(1 + 2 ** (-20 / days) + 2 ** (-10 / days)) for days in HALF_LIVES_DAYS]
    expected = [
        *decayed,
        log(1 + 2),
        log(1 + 10),  # days since the last purchase
        log(1 + 10 / 10),  # over a mean gap of 10 days
        log(1 + 3 / 2),  # three purchases by two users
        (1 + 5 * 1 / 5) / (2 + 5),  # one of two users came back; one of five pairs did, as if of five more
        log(1 + 2),  # days 90 and 100 within 28 days
        log(1 + 3),  # and day 80 within 91
        1.0,
    ]
    assert first == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_repeats_are_the_same_whatever_the_block(two_tastes, cpu, block, monkeypatch):
    network = fit_repeat_network(two_tastes, NOW, SETTINGS.repeat, seed=0, device=cpu)
    pairs, features = pair_features(two_tastes, NOW)
    with torch.no_grad():
        expected = torch.sigmoid(network(torch.from_numpy(features))).numpy()
    monkeypatch.setattr(repeat, "BLOCK_PAIRS", block)
    found = repeat.repeat_probabilities(network, two_tastes, NOW, cpu)
    assert found.data == pytest.approx(expected, abs=1e-6)
    assert (found.indices.tolist(), found.indptr.tolist()) == (pairs.indices.tolist(), pairs.indptr.tolist())


def test_the_repeat_network_learns_from_a_sample_of_many_users(two_tastes, cpu):
    def learn(users: int, past: Interactions = two_tastes) -> dict[str, torch.Tensor]:
        settings = replace(SETTINGS.repeat, users=users)
        return fit_repeat_network(past, NOW, settings, seed=0, device=cpu).state_dict()

    some, everybody = learn(4), learn(12)
    assert not torch.equal(some["inner.weight"], everybody["inner.weight"])
    alone = learn(12, two_tastes.of_sample(4, seed=0))
    assert len(np.unique(two_tastes.of_sample(4, seed=0).user)) == 4
    assert all(torch.equal(value, alone[name]) for name, value in some.items())


def test_a_pass_over_many_users_takes_others_each_time(two_tastes, texts_of_two_tastes, monkeypatch):
    seen = []
    loss = train._Steps.loss
    monkeypatch.setattr(train._Steps, "loss", lambda self, users: seen.append(users) or loss(self, users))
    tower = TwoTower(texts_of_two_tastes, np.ones(11, bool), 4, torch.Generator().manual_seed(0))
    settings = replace(SETTINGS.train, epochs=30, stop_after=30, epoch_users=5, batch_users=3)
    history = two_tastes.matrix().astype(np.float32)
    train_two_tower(tower, history, log_popularity(two_tastes), settings, seed=0)
    passes = [np.concatenate(seen[start : start + 2]) for start in range(0, 60, 2)]
    assert [len(np.unique(users)) for users in passes] == [5] * 30
    assert len({tuple(sorted(users)) for users in passes}) > 1
    assert len(np.unique(np.concatenate(passes))) == 12


def test_the_repeat_network_tells_regulars_from_one_offs(cpu):
    # Item 0 is bought every week by everybody, item 1 was bought once, 150 days ago.
    days = np.arange(0, 200, 7.0)
    rows = [(user, 0, day) for user in range(20) for day in days] + [(user, 1, 50.0) for user in range(20)]
    user, item, day = np.array(rows).T
    past = Interactions.of(user, item, day, np.ones(len(user)), n_users=20, n_items=2)
    settings = replace(SETTINGS.repeat, epochs=20, batch_pairs=64)
    network = fit_repeat_network(past, NOW, settings, seed=0, device=cpu)
    with torch.no_grad():
        probability = torch.sigmoid(network(torch.from_numpy(pair_features(past, NOW)[1]))).reshape(20, 2)
    assert probability[:, 0].min() > 0.9
    assert probability[:, 1].max() < 0.1


def test_repeats_are_learnt_from_inside_the_window_alone(cpu):
    # Everybody bought item 0 on the last two days before the window of 28 days, and never again.
    user, day = np.repeat(np.arange(20), 2), np.tile([170.0, 171.0], 20)
    past = Interactions.of(user, np.zeros(40), day, np.ones(40), n_users=20, n_items=2)
    settings = replace(SETTINGS.repeat, windows=1, epochs=200, learning_rate=0.05)
    network = fit_repeat_network(past, NOW, settings, seed=0, device=cpu)
    with torch.no_grad():
        probability = torch.sigmoid(network(torch.from_numpy(pair_features(past, NOW - 28)[1])))
    assert probability.max() < 0.1


def test_without_an_earlier_window_repeats_follow_the_decayed_frequency(toy, cpu):
    settings = replace(SETTINGS.repeat, window_days=365)
    network = fit_repeat_network(toy, 101.0, settings, seed=0, device=cpu)
    _, features = pair_features(toy, 101.0)
    with torch.no_grad():
        logits = network(torch.from_numpy(features)).numpy()
    assert logits == pytest.approx(features[:, 1], abs=1e-6)


def test_expected_new_items_is_half_own_half_everybody(toy):
    # From day 92 to 101 user 0 bought item 0 again, user 1 item 0 and user 2 item 2 for the first time.
    # Two new items and one for good measure, over three users.
    assert expected_new_items(toy, now=101.0, window_days=9).tolist() == pytest.approx(
        [0.5 * 0 + 0.5 * 3 / 3, 0.5 * 1 + 0.5 * 3 / 3, 0.5 * 1 + 0.5 * 3 / 3]
    )


@pytest.mark.parametrize("tower_weight", [0.0, 1.0])
def test_a_blend_of_one_model_ranks_as_that_model(model, two_tastes, tower_weight):
    ease = Ease.fit(two_tastes, EaseSettings(l2=5.0, half_life_days=0.0), now=NOW)
    users = np.arange(12)
    alone = (model if tower_weight else ease).score(users)
    blended = Blend(model, ease, tower_weight).score(users)
    assert top_k(blended, 11)[0].tolist() == top_k(alone, 11)[0].tolist()


def test_a_blend_puts_both_models_on_one_scale(model, two_tastes):
    ease = Ease.fit(two_tastes, EaseSettings(l2=5.0, half_life_days=0.0), now=NOW)
    users = np.array([0])
    new = np.setdiff1d(np.arange(11), model.repeat[0].indices)
    towers, other = model.score(users)[0, new], ease.score(users)[0, new]
    expected = 0.25 * towers / towers.max() + 0.75 * other / (other.max() if other.max() > 0 else 1.0)
    assert Blend(model, ease, 0.25).score(users)[0, new].tolist() == pytest.approx(
        expected.tolist(), rel=1e-5
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_agree(two_tastes, texts_of_two_tastes, model):
    on_gpu = TwoTowerRecommender.fit(
        two_tastes, SETTINGS, now=NOW, texts=texts_of_two_tastes, seed=0, device=torch.device("cuda:0")
    )
    # bfloat16 keeps eight bits of a product; thirty epochs amplify what is lost.
    assert on_gpu.history.loss == pytest.approx(model.history.loss, rel=0.05)
