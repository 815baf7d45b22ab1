"""Training: what it learns, that it repeats itself, and that an interruption leaves no trace."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from markov import FOLLOWS, planted
from safetensors.numpy import save_file

from python_ml.recommender.item_attributes import ItemAttributes
from python_ml.recommender.sequence import train_sequence
from python_ml.recommender.sequence.judge_next import hit_of, next_item_judge, target_ranks
from python_ml.recommender.sequence.sequences import LeaveOneOut, Sequences
from python_ml.recommender.sequence.train_sequence import (
    SequenceTrainSettings,
    TrainProgress,
    batches_by_size,
    train_transformer,
)
from python_ml.recommender.sequence.transformer import TransformerSettings
from python_ml.recommender.watch import Watch

CPU = torch.device("cpu")
NETWORK = TransformerSettings(dimension=16, heads=2, blocks=1, expansion=2, length=8, dropout=0.1)
SETTINGS = SequenceTrainSettings(
    network=NETWORK, members=1, epochs=3, patience=5, batch_users=32, negatives=16, horizon=1,
    learning_rate=0.01, warm_up_steps=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def split() -> LeaveOneOut:
    return LeaveOneOut.of(planted(users=300, length=8, n_items=20, seed=4))


def trained(split: LeaveOneOut, settings: SequenceTrainSettings = SETTINGS, seed: int = 0, **others):
    judge = next_item_judge(split.validation, 10_000, seed)
    return train_transformer(split.train, settings, seed=seed, device=CPU, judge=judge, **others)


def weights(model) -> dict[str, torch.Tensor]:
    return model.network.state_dict()


def same(one, other) -> bool:
    return all(torch.equal(value, weights(other)[name]) for name, value in weights(one).items())


@pytest.mark.parametrize("changes", [{}, {"negatives": 20}, {"objective": "cross_entropy"}, {"horizon": 2}])
def test_a_planted_chain_is_learned(split, changes):
    settings = replace(SETTINGS, epochs=25, patience=25, averaging=0.9, **changes)
    model, progress = trained(split, settings)
    possible = ~np.isin(
        split.test.target + 20 * np.arange(300), split.test.history.item + 20 * split.test.history.user
    )
    first = hit_of(target_ranks(model, split.test), 1)[possible].mean()
    # The likeliest item comes in FOLLOWS of the cases, and by chance in a twentieth of the others.
    assert first > FOLLOWS - 0.1
    assert progress.loss[-1] < progress.loss[0]


def test_the_same_seed_gives_the_same_bits(split):
    (one, first), (other, second) = trained(split), trained(split)
    assert same(one, other)
    assert first == second
    assert not same(one, trained(split, seed=1)[0])


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """What a training says; checkpoints are written after every epoch."""
    monkeypatch.setattr(train_sequence, "CHECKPOINT_STEPS", 1)
    return []


def test_an_interrupted_training_ends_where_it_would_have(split, tmp_path, monkeypatch, told):
    whole, progress = trained(split)
    file = tmp_path / "state.safetensors"
    write, written = train_sequence.write_checkpoint, []

    def write_and_stop(*given):
        write(*given)
        written.append(file)
        if len(written) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train_sequence, "write_checkpoint", write_and_stop)
        with pytest.raises(KeyboardInterrupt):
            trained(split, checkpoint=file)
    counted = []
    watch = Watch(tell=told.append, start=lambda _: lambda *done: counted.append(done))
    resumed, resumed_progress = trained(split, checkpoint=file, watch=watch)
    assert same(whole, resumed)
    assert progress == resumed_progress
    assert told[0] == "transformer: goes on from epoch 3 of 3"
    assert [line.split(":")[1] for line in told[1:]] == [" epoch 3 of 3"]
    # 300 users in steps of 32 are ten steps: twenty were made before.
    assert counted == [(done, 30) for done in range(20, 31)]
    # What is finished stays finished.
    again, _ = trained(split, checkpoint=file, watch=Watch(tell=told.append))
    assert same(again, whole)
    assert told[2:] == ["transformer: had been trained, for 3 epochs"]


def test_another_trainings_checkpoint_is_not_used(split, tmp_path, told):
    file = tmp_path / "deep" / "state.safetensors"
    watch = Watch(tell=told.append)
    twice = replace(SETTINGS, epochs=2)
    trained(split, twice, checkpoint=file)
    state = file.read_bytes()
    # Another seed, another rate, the same after more epochs than are wanted, and items one knows more of.
    others = (
        (twice, {"seed": 1}),
        (replace(twice, learning_rate=0.02), {}),
        (replace(SETTINGS, epochs=1), {}),
        (twice, {"attributes": ItemAttributes.listed([[0]] * 20)}),
    )
    for settings, given in others:
        file.write_bytes(state)
        found, _ = trained(split, settings, checkpoint=file, watch=watch, **given)
        said = told[-1 - settings.epochs]
        assert said == "transformer: starts anew, state.safetensors is of another training"
        assert same(found, trained(split, settings, **given)[0])
    # More epochs of the same are what a checkpoint is for.
    file.write_bytes(state)
    assert same(trained(split, checkpoint=file, watch=watch)[0], trained(split)[0])
    assert told[-2] == "transformer: goes on from epoch 3 of 3"


@pytest.mark.parametrize("broken", [slice(0, 5_000), slice(0, 4), slice(0, 0)])
def test_a_checkpoint_that_is_cut_short_is_not_used(split, tmp_path, told, broken):
    file = tmp_path / "state.safetensors"
    settings = replace(SETTINGS, epochs=1)
    whole, _ = trained(split, settings, checkpoint=file)
    file.write_bytes(file.read_bytes()[broken])
    again, _ = trained(split, settings, checkpoint=file, watch=Watch(tell=told.append))
    assert same(again, whole)
    assert told[0].startswith("transformer: starts anew, state.safetensors: the file is no checkpoint")
    # And it was written over.
    trained(split, settings, checkpoint=file, watch=Watch(tell=told.append))
    assert told[-1] == "transformer: had been trained, for 1 epochs"


def test_a_file_of_something_else_is_not_used(split, tmp_path, told):
    file = tmp_path / "state.safetensors"
    save_file({"towers.level": np.zeros(3)}, file)
    trained(split, replace(SETTINGS, epochs=1), checkpoint=file, watch=Watch(tell=told.append))
    assert told[0].startswith("transformer: starts anew")


def test_checkpoints_keep_their_distance(split, tmp_path, monkeypatch):
    """Ten steps an epoch: with fifteen between two of them every second epoch is kept, and the last."""
    monkeypatch.setattr(train_sequence, "CHECKPOINT_STEPS", 15)
    kept = []
    monkeypatch.setattr(
        train_sequence, "write_checkpoint", lambda _file, _parts, facts: kept.append(facts["step"])
    )
    trained(split, replace(SETTINGS, epochs=5), checkpoint=tmp_path / "state")
    assert kept == [20, 40, 50]


def test_averaged_weights_are_not_the_latest(split):
    assert not same(trained(split)[0], trained(split, replace(SETTINGS, averaging=0.0))[0])


def test_patience_and_the_best_epoch():
    settings = replace(SETTINGS, epochs=10, patience=2)
    assert not TrainProgress([], []).is_over(settings)
    assert not TrainProgress([3, 2, 1], [0.1, 0.3, 0.2]).is_over(settings)
    assert TrainProgress([3, 2, 1, 0], [0.1, 0.3, 0.2, 0.3]).best_epoch == 2
    assert TrainProgress([3, 2, 1, 0], [0.1, 0.3, 0.2, 0.3]).is_over(settings)
    assert TrainProgress([3], [0.1]).is_over(replace(settings, epochs=1))
    # Without a judge the latest is the best, and all epochs are trained.
    assert TrainProgress([3, 2, 1, 0], []).best_epoch == 4
    assert not TrainProgress([3, 2, 1, 0], []).is_over(settings)


def test_without_a_judge_the_last_weights_are_returned(split):
    judged, progress = trained(split)
    assert progress.best_epoch == 3
    assert same(train_transformer(split.train, SETTINGS, seed=0, device=CPU)[0], judged)
    model, progress = train_transformer(split.train, replace(SETTINGS, patience=1), seed=0, device=CPU)
    assert (len(progress.loss), progress.quality) == (3, [])
    assert same(model, judged)


def test_batches_hold_every_user_once():
    size = np.random.default_rng(0).integers(2, 30, 500)
    batches = list(batches_by_size(size, 32, np.random.default_rng(1)))
    assert sorted(np.concatenate(batches)) == list(range(500))
    # Sorted by size, a batch spans little: on average a sixteenth of the range of 28.
    assert np.mean([np.ptp(size[batch]) for batch in batches]) < 4


def test_each_of_several_networks_learns_as_if_it_were_alone(split):
    """Without dropout, which is drawn for one after the other."""
    settings = replace(SETTINGS, network=replace(NETWORK, dropout=0.0))
    alone, alone_progress = train_transformer(split.train, settings, seed=0, device=CPU)
    both, both_progress = train_transformer(split.train, replace(settings, members=2), seed=0, device=CPU)
    (single,), (first, second) = alone.network.members, both.network.members
    assert all(torch.equal(value, first.state_dict()[name]) for name, value in single.state_dict().items())
    assert not torch.equal(first.item.own.weight, second.item.own.weight)
    # Told is the loss of both, on average.
    assert both_progress.loss != alone_progress.loss
    assert both_progress.loss == pytest.approx(alone_progress.loss, rel=0.1)


@pytest.mark.parametrize("negatives", [16, 22])
def test_a_new_item_is_expected_where_those_like_it_are(split, negatives):
    """Item 20 was never bought and has the attribute of item 5, item 21 has one that nobody knows."""
    train = split.train
    wider = Sequences(train.item, train.day, train.offset, 22, train.has_days)
    attributes = ItemAttributes.listed([[item] for item in range(20)] + [[5], [20]])
    settings = replace(SETTINGS, epochs=25, negatives=negatives, averaging=0.9)
    model, _ = train_transformer(wider, settings, seed=0, device=CPU, attributes=attributes)
    histories = Sequences.listed([0, 0, 1, 1], [3, 4, 11, 12], n_users=2, n_items=22)
    after_four, after_twelve = model.score(histories)
    assert after_four[20] > after_four[21] + 0.3
    assert after_twelve[20] < after_twelve[13]
    assert int(after_four[:20].argmax()) == 5


def test_days_are_learned_from_too(split):
    train = split.train
    dated = Sequences(train.item, np.arange(len(train.item)) ** 2.0, train.offset, train.n_items, True)
    model, _ = train_transformer(dated, SETTINGS, seed=0, device=CPU)
    assert model.network.members[0].blocks[0].gap_bias.abs().max() > 0


@pytest.mark.parametrize("negatives", [1, 16])
def test_a_catalogue_of_one_item(negatives):
    sequences = Sequences.listed(np.zeros(6), np.zeros(6), n_users=1, n_items=1)
    split = LeaveOneOut.of(sequences)
    for objective in ("softmax", "cross_entropy"):
        settings = replace(SETTINGS, negatives=negatives, objective=objective, epochs=2)
        model, progress = trained(split, settings)
        assert np.isfinite(progress.loss).all()
        assert torch.isfinite(model.score(sequences)).all()


def test_long_short_and_missing_histories():
    user = np.concatenate([np.zeros(10_000), [1], [2, 2]])
    item = np.concatenate([np.arange(10_000) % 20, [3], [3, 4]])
    sequences = Sequences.listed(user, item, n_users=4, n_items=20)
    split = LeaveOneOut.of(sequences)
    model, progress = trained(split, replace(SETTINGS, epochs=1))
    assert np.isfinite(progress.loss).all()
    assert torch.isfinite(model.score(sequences)).all()


def test_nothing_to_learn_from_leaves_the_network_untrained():
    sequences = Sequences.listed([0, 1], [0, 1], n_users=2, n_items=3)
    model, progress = trained(LeaveOneOut.of(sequences))
    assert progress.loss == []
    assert model.score(sequences).shape == (2, 3)


def test_an_unknown_objective_is_refused():
    with pytest.raises(ValueError, match="softmax, cross_entropy"):
        replace(SETTINGS, objective="hinge")
