"""Several processes that train together: they end where one would, and say what it would say."""

import multiprocessing
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from markov import planted
from recommender_shop import AS_OF

from python_ml.errors import DeviceError, ModelError
from python_ml.recommender.evaluate import evaluate_recommenders
from python_ml.recommender.sequence import transformer_recommender
from python_ml.recommender.sequence.checkpoint import read_checkpoint, write_checkpoint
from python_ml.recommender.sequence.judge_next import ndcg_of, target_ranks
from python_ml.recommender.sequence.next_item_loss import future_pairs, pair_weight
from python_ml.recommender.sequence.sequences import LeaveOneOut, NextItems, Sequences
from python_ml.recommender.sequence.train_sequence import (
    SequenceTrainSettings,
    train_in_processes,
    train_transformer,
)
from python_ml.recommender.sequence.transformer import TransformerSettings
from python_ml.recommender.sequence.workers import Workers, check_workers, in_processes
from python_ml.recommender.watch import UNWATCHED, Watch

CPU = torch.device("cpu")
# Nothing is dropped: each process would drop for itself. 61 users in steps of 20 end with one user alone, of
# whom the second process has none.
SETTINGS = SequenceTrainSettings(
    network=TransformerSettings(dimension=8, heads=2, blocks=1, length=8, dropout=0.0),
    members=2, epochs=4, patience=4, batch_users=20, negatives=16, learning_rate=0.01,
    warm_up_steps=5, averaging=0.9,
)  # fmt: skip


@pytest.fixture(scope="module")
def split() -> LeaveOneOut:
    return LeaveOneOut.of(planted(users=61, length=8, n_items=30, seed=4))


def quality(judged: NextItems, model) -> float:
    return float(ndcg_of(target_ranks(model, judged)).mean())


# One pair of processes trains all of these: starting them takes longer than training.
TRAINED = {
    "sampled": SETTINGS,
    "full": replace(SETTINGS, negatives=30),
    "cross_entropy": replace(SETTINGS, objective="cross_entropy", horizon=1),
    "stops early": replace(SETTINGS, epochs=50, patience=1, learning_rate=0.5),
}


def train_all(split: LeaveOneOut, folder: Path, **common) -> None:
    """Leaves what each process ended with."""
    rank = Workers.here().rank
    for name, settings in TRAINED.items():
        model, progress = train(split, settings, **common)
        facts = {"loss": progress.loss, "quality": progress.quality}
        write_checkpoint(folder / f"{name}-{rank}", {"network": model.network.state_dict()}, facts)


def train(split: LeaveOneOut, settings: SequenceTrainSettings, **common):
    # Only the first process is asked: the others would stop at once.
    judge = partial(quality, split.validation) if Workers.here().is_first else refuse
    return train_transformer(split.train, settings, seed=0, judge=judge, **common)


@pytest.fixture(scope="module")
def together(split, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("together")
    in_processes(train_all, 2, CPU, UNWATCHED, {"split": split, "folder": folder})
    return folder


def assert_close(theirs: dict[str, torch.Tensor], model) -> None:
    for name, value in model.network.state_dict().items():
        torch.testing.assert_close(theirs[name], value, atol=2e-4, rtol=2e-3)


@pytest.mark.parametrize("name", TRAINED)
def test_two_processes_end_where_one_does(split, together: Path, name):
    (first, facts), (second, seconds) = (read_checkpoint(together / f"{name}-{rank}") for rank in (0, 1))
    assert facts == seconds
    assert all(torch.equal(value, second["network"][key]) for key, value in first["network"].items())
    model, progress = train(split, TRAINED[name], device=CPU)
    assert len(facts["loss"]) == len(progress.loss)
    if name == "stops early":  # at a rate at which roundings grow
        assert len(progress.loss) < 50
        return
    assert_close(first["network"], model)
    np.testing.assert_allclose(facts["loss"], progress.loss, rtol=1e-4)
    np.testing.assert_allclose(facts["quality"], progress.quality, atol=0.02)


def test_a_training_goes_on_with_another_number_of_processes(split, tmp_path: Path):
    file = tmp_path / "state.safetensors"
    common = {"seed": 0, "device": CPU, "checkpoint": file}
    whole, _ = train_transformer(split.train, SETTINGS, seed=0, device=CPU)
    train_transformer(split.train, replace(SETTINGS, epochs=2), **common)
    said, counted = [], []
    watch = Watch(tell=said.append, start=lambda what: lambda *done: counted.append((what, *done)))
    model, progress = train_in_processes(split.train, SETTINGS, workers=2, watch=watch, **common)
    assert_close(model.network.state_dict(), whole)
    assert len(progress.loss) == 4
    # What is said is said once, in this process: four epochs of four steps.
    assert [line.split(": ")[1] for line in said] == [
        "goes on from epoch 3 of 4",
        "epoch 3 of 4",
        "epoch 4 of 4",
    ]
    assert counted[-1] == ("steps of the transformer", 16, 16)
    train_transformer(split.train, SETTINGS, watch=watch, **common)
    assert said[-1] == "transformer: had been trained, for 4 epochs"


def refuse(_model) -> float:
    raise ArithmeticError("no opinion")


def test_who_fails_ends_all_and_says_why(split):
    with pytest.raises(ModelError, match="no opinion") as raised:
        train_in_processes(split.train, SETTINGS, workers=2, seed=0, device=CPU, judge=refuse)
    assert "transformer_workers" in raised.value.remedy
    assert multiprocessing.active_children() == []


def test_a_run_that_is_stopped_leaves_no_process(split):
    def stop(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_in_processes(split.train, SETTINGS, workers=2, seed=0, device=CPU, watch=Watch(tell=stop))
    assert multiprocessing.active_children() == []


@given(st.lists(st.integers(0, 1_000), max_size=40, unique=True), st.integers(1, 9))
def test_parts_hold_every_user_once(users, count):
    parts = [Workers(rank, count).part(np.array(users, np.int64)) for rank in range(count)]
    assert sorted(np.concatenate(parts)) == sorted(users)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(1, 4), st.sampled_from([0.0, 0.5, 1.0])
)
def test_the_weight_of_pairs_is_the_sum_of_their_weights(sizes, horizon, power):
    user = np.repeat(np.arange(len(sizes)), sizes)
    histories = Sequences.listed(user, user, n_users=len(sizes), n_items=len(sizes))
    pairs = future_pairs(histories, horizon, power, CPU)
    assert pair_weight(histories, horizon, power) == pytest.approx(float(pairs.weight.sum()))


def test_one_process_alone():
    assert Workers.here() == Workers(0, 1)
    value = object()
    assert Workers().tell(value) is value


def test_processes_need_a_device_each(monkeypatch):
    check_workers(3, CPU)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_workers(2, torch.device("cuda:0"))
    for count, device in ((3, "cuda:0"), (2, "cuda:1"), (2, "mps")):
        with pytest.raises(DeviceError, match="transformer_workers"):
            check_workers(count, torch.device(device))


def test_an_evaluation_trains_in_as_many_processes_as_are_set(tables, small_config, monkeypatch):
    monkeypatch.setattr(transformer_recommender, "train_transformer", refuse)  # it would be in this process
    said = []
    given = {name: table for name, table in tables.items() if name != "user_features"}
    config = replace(small_config, transformer_workers=2)
    watch = Watch(tell=said.append)
    found = evaluate_recommenders(**given, config=config, as_of=AS_OF, device="cpu", seed=0, watch=watch)
    judged = found.history.filter(pl.col("model_name") == "transformer")["validation_ndcg"]
    assert 0 < len(judged) == judged.count() == sum("judged" in line for line in said)
    assert "transformer" in set(found.metrics.filter(split_name="test")["model_name"])
