"""Trains the transformer on a file of interactions, on a machine that has neither the warehouse nor the rest.

    torchrun --nproc-per-node 8 -m python_ml.recommender.sequence.train_on_file interactions.parquet trained

`python -m` in place of `torchrun --nproc-per-node 8 -m` trains in one process, with the same steps. Needs
numpy, pyarrow, safetensors and torch. See docs/training-on-gpus.md.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from safetensors.torch import save_file

from python_ml.config import RecommenderConfig
from python_ml.device import resolve_device
from python_ml.errors import ContractError, ShoalError, SourceError
from python_ml.recommender.sequence.judge_next import next_item_judge
from python_ml.recommender.sequence.sequences import NOT_JUDGED, NextItems, Sequences
from python_ml.recommender.sequence.train_sequence import SequenceTrainSettings, train_transformer
from python_ml.recommender.sequence.workers import Workers, with_torchrun
from python_ml.recommender.watch import Watch

COLUMNS = ("user_id", "item_id", "interacted_at")
MICROSECONDS_A_DAY = 86_400_000_000
PREFIX = "transformer_"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Table:
    """Interactions of a file.

    Args:
        sequences: the histories; users and items are numbered in the order of their ids.
        item_ids: (n_items,) sorted.
    """

    sequences: Sequences
    item_ids: pa.Array


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, train, write; returns the exit status."""
    options = _parser().parse_args(arguments)
    given = {name: value for name, value in vars(options).items() if name.startswith(PREFIX)}
    try:
        settings = SequenceTrainSettings.of(RecommenderConfig(**given))
        with with_torchrun(resolve_device(options.device)) as device:
            is_first = Workers.here().is_first
            logging.basicConfig(level=logging.INFO if is_first else logging.ERROR, format="%(message)s")
            train_on_file(
                options.file,
                options.folder,
                settings,
                judged_users=options.judged_users,
                seed=options.seed,
                device=device,
            )
    except ShoalError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def train_on_file(
    file: Path,
    folder: Path,
    settings: SequenceTrainSettings,
    *,
    judged_users: int,
    seed: int,
    device: torch.device,
) -> None:
    """Train on a file, and write what became of it; what was interrupted goes on.

    Args:
        file: Parquet with user_id, item_id and interacted_at, such as `features.interactions`.
        folder: gets weights.safetensors; items.parquet, whose row n is item n of the network; training.json
            with the settings and the learning curve; and state.safetensors, from which training goes on.
        settings: see there.
        judged_users: that many users' last items are held out and ranked after every epoch, to stop by; 0 =
            nothing is held out, and all epochs are trained.
        seed: of all that is random.
        device: to train on.

    Raises:
        SourceError: the file is not there or no Parquet file.
        ContractError: a column is missing or holds nulls, or there is nothing to learn from.
    """
    table = read_interactions(file)
    train, judge = table.sequences, None
    if judged_users:
        train, judged = hold_out_last(train)
        judge = next_item_judge(judged, judged_users, seed) if len(judged.target) else None
    if (train.size < 2).all():
        raise ContractError(
            "no user has two interactions to learn from",
            where=str(file),
            remedy="give it more of the history",
        )
    log.info(
        "%s interactions of %s users with %s items, on %s, %s processes",
        *(f"{count:,}" for count in (len(train.item), len(train), train.n_items)),
        device,
        Workers.here().count,
    )
    model, progress = train_transformer(
        train,
        settings,
        seed=seed,
        device=device,
        judge=judge,
        checkpoint=folder / "state.safetensors",
        watch=Watch(tell=log.info),
    )
    if Workers.here().is_first:
        weights = {name: value.cpu().contiguous() for name, value in model.network.state_dict().items()}
        save_file(weights, folder / "weights.safetensors")
        pq.write_table(pa.table({"item_id": table.item_ids}), folder / "items.parquet")
        facts = {"seed": seed, "settings": asdict(settings), "best_epoch": progress.best_epoch,
                 "train_loss": progress.loss, "ndcg_at_10": progress.quality}  # fmt: skip
        (folder / "training.json").write_text(json.dumps(facts, indent=2) + "\n")


def read_interactions(file: Path) -> Table:
    """Read a file; see `train_on_file` for its columns and the errors."""
    try:
        read = pq.read_table(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(
            f"cannot be read as Parquet: {error}", where=str(file), remedy="name a Parquet file"
        ) from error
    for name in COLUMNS:
        if name not in read.column_names or read[name].null_count:
            raise ContractError(
                f"column {name} is missing or holds nulls",
                where=str(file),
                remedy=f"write {', '.join(COLUMNS)}, without nulls, as in features.interactions",
            )
    user, user_ids = _number(read["user_id"])
    item, item_ids = _number(read["item_id"])
    moment = read["interacted_at"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    sequences = Sequences.of(
        user, item, moment / MICROSECONDS_A_DAY, n_users=len(user_ids), n_items=len(item_ids)
    )
    return Table(sequences, item_ids)


def _number(column: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    """(M,) int64 places of the values among the sorted distinct ones, and those."""
    coded = pa.chunked_array([column.combine_chunks()]).dictionary_encode().unify_dictionaries()
    ids = coded.chunk(0).dictionary if coded.num_chunks else pa.array([], column.type)
    order = pc.sort_indices(ids).to_numpy()
    place = np.empty(len(ids), np.int64)
    place[order] = np.arange(len(ids))
    codes = [chunk.indices.to_numpy() for chunk in coded.chunks]
    return place[np.concatenate(codes)] if codes else place, ids.take(order)


def hold_out_last(sequences: Sequences) -> tuple[Sequences, NextItems]:
    """Histories without the last item of each user who has enough of them, and what was taken away."""
    is_judged = sequences.size >= NOT_JUDGED
    judged = sequences.take(np.flatnonzero(is_judged))
    train = sequences.without_last(np.where(is_judged, 1, 0))
    return train, NextItems(judged.without_last(1), judged.last())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="train_on_file", description=__doc__.split("\n", 1)[0])
    parser.add_argument("file", type=Path, help="Parquet with user_id, item_id and interacted_at")
    parser.add_argument("folder", type=Path, help="what is trained goes there")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judged-users", type=int, default=10_000, help="0 = hold nothing out")
    for field in fields(RecommenderConfig):
        # How many processes there are is torchrun's to say.
        if (
            field.name.startswith(PREFIX)
            and field.type in (int, float)
            and field.name != "transformer_workers"
        ):
            flag = "--" + field.name.removeprefix(PREFIX).replace("_", "-")
            parser.add_argument(
                flag, dest=field.name, type=field.type, default=field.default, help=f"{field.default}"
            )
    return parser


if __name__ == "__main__":
    sys.exit(main())
