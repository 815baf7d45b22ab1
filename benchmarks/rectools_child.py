"""SASRec of RecTools on given sequences, in an interpreter of its own: prints one line of JSON.

Imports nothing of Shoal: RecTools holds numpy and pandas at versions that Shoal does not use.
"""

import json
import resource
import sys
import time

import numpy as np
import pandas as pd
import pytorch_lightning as lightning
import torch
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel


class Clock(lightning.Callback):
    """When each epoch began and ended, and what was trained on in it."""

    # RecTools trains with a copy of the trainer and of its callbacks: what is seen is kept here.
    started: list[float] = []  # noqa: RUF012
    ended: list[float] = []  # noqa: RUF012
    sequences: list[int] = []  # noqa: RUF012
    positions: list[int] = []  # noqa: RUF012

    def on_train_epoch_start(self, *_) -> None:
        self.started.append(time.perf_counter())
        self.sequences.append(0)
        self.positions.append(0)

    def on_train_batch_end(self, trainer, module, outputs, batch, index) -> None:
        self.sequences[-1] += len(batch["y"])
        self.positions[-1] += int((batch["y"] != 0).sum())

    def on_train_epoch_end(self, *_) -> None:
        self.ended.append(time.perf_counter())


def main(file: str, shape: dict) -> dict:
    """Train; see `Trained` of `recommender_speed` for what is said."""
    torch.set_num_threads(shape["threads"])
    lightning.seed_everything(0, verbose=False)
    arrays = np.load(file)
    place = np.arange(len(arrays["user"]))
    rows = {
        Columns.User: arrays["user"],
        Columns.Item: arrays["item"],
        Columns.Weight: 1.0,
        Columns.Datetime: pd.Timestamp("2020-01-01") + pd.to_timedelta(place, unit="min"),
    }
    model = SASRecModel(
        n_factors=shape["dimension"],
        n_blocks=shape["blocks"],
        n_heads=shape["heads"],
        session_max_len=shape["length"],
        dropout_rate=shape["dropout"],
        batch_size=shape["batch_users"],
        loss="sampled_softmax",
        n_negatives=shape["negatives"],
        lr=shape["learning_rate"],
        verbose=0,
        get_trainer_func=lambda: lightning.Trainer(
            accelerator="cpu",
            max_epochs=shape["epochs"],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Clock()],
        ),
    )
    model.fit(Dataset.construct(pd.DataFrame(rows)))
    seconds = [end - start for start, end in zip(Clock.started, Clock.ended, strict=True)]
    return {
        "seconds": sum(seconds[1:]),
        "sequences": sum(Clock.sequences[1:]),
        "positions": sum(Clock.positions[1:]),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))))
