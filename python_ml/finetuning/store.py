"""A fine-tuned encoder on disk: adapter, head, verdict, and which texts it learned from."""

import json
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl
from safetensors.numpy import load_file, save_file

from python_ml.config import EmbeddingConfig
from python_ml.device import resolve_device
from python_ml.embedding.encoder import Encoder
from python_ml.finetuning.build import FineTuned
from python_ml.finetuning.reader import RatingReader
from python_ml.finetuning.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a fine-tuned encoder learned, and how that was judged.

    Args:
        verdict: on held-out texts.
        facts: training_rows, trainable_parameters, training_seconds.
        as_of_date: it learned from nothing later.
        taught: string, text_hash of every text it learned from.
    """

    verdict: Verdict
    facts: dict[str, float]
    as_of_date: date
    taught: pl.Series


def save_lesson(folder: Path, tuned: FineTuned, taught: pl.Series, as_of_date: date) -> None:
    """Write everything, or nothing: the folder appears when all of it is there.

    Args:
        folder: replaced if it is there.
        tuned, taught, as_of_date: see `Lesson`.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file(tuned.arrays, partial / "adapter_model.safetensors")
    save_file(tuned.head, partial / "head.safetensors")
    facts = {
        "training_rows": tuned.training_rows,
        "trainable_parameters": tuned.trainable_parameters,
        "training_seconds": round(tuned.seconds, 1),
    }
    lesson = {"verdict": asdict(tuned.verdict), "facts": facts, "as_of_date": str(as_of_date)}
    for name, content in (("adapter_config.json", tuned.settings), ("lesson.json", lesson)):
        (partial / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
    pl.DataFrame({"text_hash": taught}).write_parquet(partial / "taught.parquet")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def load_lesson(folder: Path) -> Lesson | None:
    """What `save_lesson` wrote, or None where it wrote nothing."""
    if not folder.is_dir():
        return None
    lesson = json.loads((folder / "lesson.json").read_text(encoding="utf-8"))
    return Lesson(
        verdict=Verdict(**lesson["verdict"]),
        facts=lesson["facts"],
        as_of_date=date.fromisoformat(lesson["as_of_date"]),
        taught=pl.read_parquet(folder / "taught.parquet")["text_hash"],
    )


def load_reader(folder: Path, embedding: EmbeddingConfig, device: str) -> RatingReader:
    """The fine-tuned encoder of a folder.

    Args:
        folder: of `save_lesson`.
        embedding: the encoder it was trained on.
        device: setting for `resolve_device`.

    Raises:
        ModelError: the adapter is incomplete, or of another encoder.
    """
    encoder = Encoder.load(replace(embedding, adapter=str(folder)), resolve_device(device))
    return RatingReader(encoder, **load_file(folder / "head.safetensors"))
