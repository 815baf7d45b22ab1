"""A file of interactions in, weights out: in one process, and in those that torchrun starts."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from markov import planted
from safetensors.torch import load_file

from python_ml.errors import ContractError, SourceError
from python_ml.recommender.sequence.sequences import Sequences
from python_ml.recommender.sequence.train_on_file import hold_out_last, main, read_interactions

OPTIONS = ["--device", "cpu", "--dropout", "0", "--dimension", "8", "--epochs", "2", "--batch-users", "32"]
START = datetime(2024, 1, 1, tzinfo=UTC)


def written(file: Path, users: list[str], items: list[str], days: list[float], **columns) -> Path:
    times = pa.array([START + timedelta(days=day) for day in days], pa.timestamp("us", "UTC"))
    table = {"user_id": users, "item_id": items, "interacted_at": times, "weight": [1.0] * len(users)}
    pq.write_table(pa.table(table | columns), file, row_group_size=3)
    return file


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    chain = planted(users=60, length=8, n_items=20, seed=0)
    users = [f"u{user:02}" for user in chain.user]
    items = [f"i{item:02}" for item in chain.item]
    days = np.arange(len(users)) - chain.offset[chain.user]
    return written(tmp_path_factory.mktemp("file") / "interactions.parquet", users, items, days.tolist())


def test_ids_are_numbered_in_their_order_and_rows_sorted(tmp_path: Path):
    file = written(tmp_path / "a", ["v", "u", "v", "v", "u"], ["b", "c", "a", "d", "b"], [2, 5, 1.5, 3, 4])
    table = read_interactions(file)
    assert table.item_ids.to_pylist() == ["a", "b", "c", "d"]
    sequences = table.sequences
    # u has b, then c; v has a, b, d. 2024-01-01 is day 19,723.
    assert sequences.item.tolist() == [1, 2, 0, 1, 3]
    assert sequences.offset.tolist() == [0, 2, 5]
    assert (sequences.day - 19_723).tolist() == [4, 5, 1.5, 2, 3]
    assert (sequences.n_items, sequences.has_days) == (4, True)


def test_the_last_item_of_those_with_three_is_held_out():
    sequences = Sequences.listed([0, 0, 1, 1, 1, 2], [0, 1, 2, 0, 1, 2], n_users=3, n_items=3)
    train, judged = hold_out_last(sequences)
    assert (train.item.tolist(), train.offset.tolist()) == ([0, 1, 2, 0, 2], [0, 2, 4, 5])
    assert (judged.history.item.tolist(), judged.target.tolist()) == ([2, 0], [1])


def test_one_process_trains_writes_and_goes_on(file: Path, tmp_path: Path, caplog):
    folder = tmp_path / "trained"
    with caplog.at_level("INFO"):
        assert main([str(file), str(folder), *OPTIONS]) == 0
    assert "480 interactions" not in caplog.text  # the last of each of the 60 users is held out
    assert "420 interactions of 60 users with 20 items, on cpu, 1 processes" in caplog.text
    facts = json.loads((folder / "training.json").read_text())
    assert (len(facts["train_loss"]), len(facts["ndcg_at_10"])) == (2, 2)
    assert facts["settings"]["network"]["dimension"] == 8
    assert pq.read_table(folder / "items.parquet")["item_id"].to_pylist() == [f"i{n:02}" for n in range(20)]
    assert load_file(folder / "weights.safetensors")["members.0.item.own.weight"].shape == (20, 8)
    caplog.clear()
    with caplog.at_level("INFO"):
        main([str(file), str(folder), *OPTIONS, "--epochs", "3"])
    assert "transformer: goes on from epoch 3 of 3" in caplog.text


def test_nothing_is_held_out_if_nobody_judges(file: Path, tmp_path: Path):
    assert main([str(file), str(tmp_path), *OPTIONS, "--judged-users", "0"]) == 0
    facts = json.loads((tmp_path / "training.json").read_text())
    assert (facts["ndcg_at_10"], facts["best_epoch"]) == ([], 2)


def test_torchrun_ends_where_one_process_does(file: Path, tmp_path: Path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    assert main([str(file), str(alone), *OPTIONS]) == 0
    launched = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    module = "python_ml.recommender.sequence.train_on_file"
    done = subprocess.run(
        [*launched, "-m", module, str(file), str(together), *OPTIONS],
        cwd=Path(__file__).resolve().parents[4],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Who is not the first says nothing.
    assert done.stderr.count("420 interactions of 60 users with 20 items, on cpu, 2 processes") == 1
    assert done.stderr.count("transformer: epoch 2 of 2") == 1
    ours, theirs = (load_file(folder / "weights.safetensors") for folder in (alone, together))
    for name, value in ours.items():
        torch.testing.assert_close(theirs[name], value, atol=2e-4, rtol=2e-3)


def test_what_cannot_be_read_is_said(tmp_path: Path, capsys):
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        read_interactions(tmp_path / "missing")
    (tmp_path / "text").write_text("user_id,item_id\n")
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        read_interactions(tmp_path / "text")
    with pytest.raises(ContractError, match="column user_id"):
        read_interactions(written(tmp_path / "null", ["u", None], ["a", "b"], [1, 2]))
    pq.write_table(pa.table({"user_id": ["u"], "item_id": ["a"]}), tmp_path / "short")
    with pytest.raises(ContractError, match="column interacted_at"):
        read_interactions(tmp_path / "short")
    thin = written(tmp_path / "thin", ["u", "v"], ["a", "b"], [1, 2])
    assert main([str(thin), str(tmp_path / "out"), "--device", "cpu"]) == 1
    assert "no user has two interactions" in capsys.readouterr().err
    assert main([str(thin), str(tmp_path / "out"), "--epochs", "0"]) == 1
    assert "transformer_epochs is 0" in capsys.readouterr().err
