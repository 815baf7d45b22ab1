"""The transformer as a recommender of a shop."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from markov import FOLLOWS, planted

from python_ml.recommender.data import Interactions
from python_ml.recommender.item_attributes import ItemAttributes
from python_ml.recommender.sequence.sequential_recommender import histories_of
from python_ml.recommender.sequence.train_sequence import SequenceTrainSettings
from python_ml.recommender.sequence.transformer import TransformerSettings
from python_ml.recommender.sequence.transformer_recommender import TransformerRecommender

CPU = torch.device("cpu")
NETWORK = TransformerSettings(dimension=16, heads=2, blocks=1, expansion=2, length=6, dropout=0.1)
SETTINGS = SequenceTrainSettings(
    network=NETWORK, members=2, epochs=15, patience=5, batch_users=32, negatives=16, horizon=1,
    learning_rate=0.01, warm_up_steps=5, averaging=0.9,
)  # fmt: skip
N_ITEMS = 20
BY_PAIRS = ItemAttributes.listed([[item // 2] for item in range(N_ITEMS)])


@pytest.fixture(scope="module")
def past() -> Interactions:
    """Item i is followed by i + 1; a day lies between two items. User 300 has done nothing."""
    chains = planted(users=300, length=8, n_items=N_ITEMS, seed=4)
    day = np.arange(len(chains.item)) - chains.offset[chains.user]
    weight = np.ones(len(day))
    return Interactions.of(chains.user, chains.item, day, weight, n_users=301, n_items=N_ITEMS)


@pytest.fixture(scope="module")
def model(past) -> TransformerRecommender:
    return TransformerRecommender.fit(histories_of(past), SETTINGS, seed=0, device=CPU, attributes=BY_PAIRS)


def test_what_follows_the_latest_item_comes_first(model):
    users = np.arange(300)
    first = model.score(users).numpy().argmax(axis=1)
    assert (first == (model.histories.last()[:300] + 1) % N_ITEMS).mean() > FOLLOWS
    assert not model.score(np.array([300])).any()


def test_the_latest_item_is_the_reason(model):
    named = []
    for user in range(50):
        latest = int(model.histories.take(np.array([user])).last()[0])
        expected = (latest + 1) % N_ITEMS
        history, weight = model.explainer()(user, np.array([expected]))
        if expected not in history:
            named.append(history[weight[:, 0].argmax()] == latest)
    assert len(named) > 20
    assert np.mean(named) >= 0.9


def test_a_contribution_is_what_the_score_loses_without_the_item(past, model):
    user = 7
    history, weight = model.explainer()(user, np.arange(N_ITEMS))
    read = model.histories.take(np.array([user])).tail(NETWORK.length)
    assert history.tolist() == sorted(set(read.item))
    taken_out = history[0]
    kept = read.item != taken_out
    other = Interactions.of(
        np.zeros(kept.sum(), int), read.item[kept], read.day[kept], np.ones(kept.sum()),
        n_users=1, n_items=N_ITEMS,
    )  # fmt: skip
    without = TransformerRecommender(histories_of(other), model.model, model.progress)
    loss = (model.score(np.array([user])) - without.score(np.array([0]))).numpy()[0]
    others = np.arange(N_ITEMS) != taken_out
    assert weight[0, others] == pytest.approx(loss[others], abs=1e-5)
    assert weight[0, taken_out] == 0.0


def test_a_user_of_one_item_and_one_of_none(past, model):
    history, weight = model.explainer()(300, np.array([0, 1]))
    assert (len(history), weight.shape) == (0, (0, 2))
    single = Interactions.of([0], [3], [1.0], [1.0], n_users=1, n_items=N_ITEMS)
    one = replace(model, histories=histories_of(single))
    history, weight = one.explainer()(0, np.array([4]))
    # Without its one item the history is empty, and every score 0.
    assert history.tolist() == [3]
    assert weight[0, 0] == pytest.approx(float(one.score(np.array([0]))[0, 4]), abs=1e-6)


def test_the_judge_sees_the_model_after_every_epoch(past):
    asked = []

    def judge(model: TransformerRecommender) -> float:
        asked.append(model.score(np.array([0])).shape)
        return -float(len(asked))

    fitted = TransformerRecommender.fit(
        histories_of(past), replace(SETTINGS, patience=2), seed=0, device=CPU, judge=judge
    )
    assert asked == [(1, N_ITEMS)] * 3
    assert fitted.progress.best_epoch == 1
    alone = TransformerRecommender.fit(histories_of(past), replace(SETTINGS, epochs=1), seed=0, device=CPU)
    users = np.arange(5)
    assert torch.equal(alone.score(users), fitted.score(users))
    restored = TransformerRecommender.restore(histories_of(past), SETTINGS, fitted.arrays(), device=CPU)
    assert torch.equal(restored.score(users), fitted.score(users))
    assert set(fitted.arrays()) == {f"transformer.{name}" for name in fitted.model.network.state_dict()}


def test_with_attributes_it_is_restored_too(past, model):
    arrays = model.arrays()
    assert arrays["transformer.members.1.item.attribute.weight"].shape == (11, 16)
    restored = TransformerRecommender.restore(
        histories_of(past), SETTINGS, arrays, device=CPU, attributes=BY_PAIRS
    )
    assert torch.equal(restored.score(np.arange(5)), model.score(np.arange(5)))
