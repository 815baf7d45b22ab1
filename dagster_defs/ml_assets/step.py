"""What every Python step shares: know when nothing changed, write all or nothing, report.

No capability's own logic belongs here.
"""

import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import polars as pl

from dagster_defs.contracts import ml_contracts
from dagster_defs.paths import PROJECT_ROOT, ShopPaths
from dagster_defs.resources import Shop
from python_ml.config import EmbeddingConfig
from python_ml.embedding.locate import embedding_model_name
from python_ml.errors import ContractError

if TYPE_CHECKING:
    from python_ml.finetuning.build import FineTuned
    from python_ml.finetuning.store import Lesson

UNCHANGED = "unchanged: same data, settings and code as the last run"
ITEM_ENCODER = "item_encoder_evaluations"
ROWS_HASHED_TOGETHER = 1_000_000


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """Frames to write, by table of schema `ml`, and what to show in the UI, by table."""

    tables: Mapping[str, pl.DataFrame]
    metadata: Mapping[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PartsResult:
    """One table of schema `ml` whose rows need not fit into memory together.

    Args:
        table: its name.
        parts: frames that share no key, at least one, made while they are written.
        metadata: asked what to show in the UI when all is written.
    """

    table: str
    parts: Iterator[pl.DataFrame]
    metadata: Callable[[], dict[str, Any]]


def fingerprint(config: Any, *, code: str, frames: Mapping[str, pl.DataFrame], **values: Any) -> str:
    """Twelve hex digits that change when a step's settings, code or input rows change, and only then.

    Args:
        config: the step's dataclass of settings.
        code: folder of python_ml whose source files the step runs.
        frames: the step's inputs; the order of their rows does not count.
        values: anything else the result depends on, such as the seed.
    """
    parts = {
        "config": asdict(config),
        "code": _code_hash(PROJECT_ROOT / "python_ml" / code),
        "frames": {name: _frame_hash(frame) for name, frame in frames.items()},
        "values": {name: str(value) for name, value in values.items()},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _code_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _frame_hash(frame: pl.DataFrame) -> list[Any]:
    parts = frame.iter_slices(ROWS_HASHED_TOGETHER)  # what is hashed is a copy: of a part, not of all
    row_hashes = np.concatenate([np.empty(0, np.uint64), *(_row_hashes(part).to_numpy() for part in parts)])
    row_hashes.sort()
    schema = [f"{name} {kind}" for name, kind in frame.schema.items()]
    return [frame.height, schema, hashlib.sha256(row_hashes.tobytes()).hexdigest()]


def _row_hashes(frame: pl.DataFrame) -> pl.Series:
    # Parallel sums of doubles differ in their last bits from run to run: six digits are what counts. Numbers
    # of categories differ as well, their strings do not.
    return frame.with_columns(
        pl.col(pl.Float64, pl.Float32).round_sig_figs(6), pl.col(pl.Categorical).cast(pl.String)
    ).hash_rows(seed=0)


def run_step(
    context: dg.AssetExecutionContext,
    shop: Shop,
    *,
    version: str,
    tables: list[str],
    compute: Callable[[], StepResult | PartsResult],
    is_current: bool | None = None,
) -> Iterator[dg.MaterializeResult]:
    """Compute and write the tables, unless they are up to date.

    Args:
        version: the model version, which every row gets.
        tables: tables of schema `ml` this step owns, written together.
        compute: makes all the frames (without model_version and as_of_date).
        is_current: whether there is nothing to do; None means: when every row carries this version.
    """
    started = time.monotonic()
    as_of = read_as_of(shop)
    if carries_version(shop, tables, version, as_of) if is_current is None else is_current:
        context.log.info(f"{', '.join(tables)}: {UNCHANGED}")
        shown = {table: {"work done": UNCHANGED} for table in tables}
    else:
        shown = _write(shop, compute(), version, as_of)
    common = {
        "model_version": version,
        "as_of_date": str(as_of),
        "seconds": round(time.monotonic() - started, 1),
    }
    for table in tables:
        yield dg.MaterializeResult(
            asset_key=["ml", table], metadata=common | shown[table], data_version=dg.DataVersion(version)
        )


def _write(
    shop: Shop, result: StepResult | PartsResult, version: str, as_of: date
) -> dict[str, dict[str, Any]]:
    """Write a step's tables, and say what to show of each."""
    if isinstance(result, PartsResult):
        parts = (_stamp(part, version, as_of) for part in result.parts)
        rows = shop.warehouse().replace_in_parts(result.table, parts)
        return {result.table: {"dagster/row_count": rows} | result.metadata()}
    stamped = {name: _stamp(frame, version, as_of) for name, frame in result.tables.items()}
    shop.warehouse().replace(stamped)
    return {
        table: {"dagster/row_count": frame.height} | result.metadata.get(table, {})
        for table, frame in stamped.items()
    }


def read_as_of(shop: Shop) -> date:
    """The date of the features, as dbt decided it."""
    return shop.warehouse().read("features", "as_of_dates")["as_of_date"].item()


def carries_version(shop: Shop, tables: list[str], version: str, as_of: date) -> bool:
    """Whether all rows of the tables do; one of them may be empty, for they are written together."""
    return current_tables(shop, dict.fromkeys(tables, version), as_of) == set(tables)


def current_tables(shop: Shop, versions: Mapping[str, str], as_of: date) -> set[str]:
    """Those of the tables of one step, each with its version, of which all rows carry it.

    A table without rows tells nothing itself: it is current beside one that is.
    """
    stamps = {table: _stamps(shop, table) for table in versions}
    current = {table for table, version in versions.items() if stamps[table] == {(version, as_of)}}
    return current | {table for table in versions if current and stamps[table] == set()}


def _stamps(shop: Shop, table: str) -> set[tuple[str, date]] | None:
    """Versions and dates of the rows of a table; None where it is not there."""
    try:
        return set(
            shop.warehouse().read_distinct("ml", table, columns=["model_version", "as_of_date"]).rows()
        )
    except ContractError:
        return None


def _stamp(frame: pl.DataFrame, version: str, as_of: date) -> pl.DataFrame:
    return frame.with_columns(model_version=pl.lit(version), as_of_date=pl.lit(as_of))


def read_inputs(
    shop: Shop,
    features: Sequence[str],
    *,
    compact: Mapping[str, list[str]] = MappingProxyType({}),
    written: Sequence[str] = (),
    vectors_of: str = "item_texts",
) -> dict[str, pl.DataFrame]:
    """The named feature tables, text vectors, and tables Python wrote earlier, by name.

    Args:
        compact: feature tables that may be longer than memory is large, and what is needed of them.
        vectors_of: feature table of the texts; a step on items must not change when reviews come.
    """
    warehouse = shop.warehouse()
    frames = {name: warehouse.read("features", name) for name in features}
    frames |= {
        name: warehouse.read_compact("features", name, columns=columns) for name, columns in compact.items()
    }
    frames["text_embeddings"] = warehouse.read_vectors(
        vectors_of, encoder_version(encoder_of(shop, vectors_of))
    )
    return frames | {name: warehouse.read("ml", name) for name in written}


def encoder_of(shop: Shop, texts: str) -> EmbeddingConfig:
    """The encoder of a feature table's texts: items may have one that has learned what is bought together."""
    settings = shop.settings()
    if texts != "item_texts":
        return settings.embedding
    judged = shop.warehouse().read("ml", ITEM_ENCODER, columns=["is_used", "model_version"])
    used = judged.filter("is_used")["model_version"]
    if used.is_empty():
        return settings.embedding
    return replace(settings.embedding, adapter=str(adapter_folder(settings.paths, used.item())))


def encoder_version(embedding: EmbeddingConfig) -> str:
    """model_version of an encoder's vectors. It does not change with the texts: known vectors stay good."""
    return fingerprint(embedding, code="embedding", frames={}, weights=embedding_model_name(embedding))


def adapter_folder(paths: ShopPaths, version: str) -> Path:
    """Where a step keeps what an encoder has learned."""
    return paths.models / "finetuning" / version


def taught_lesson(
    folder: Path, as_of: date, teach: Callable[[], tuple["FineTuned", pl.Series]]
) -> tuple["Lesson", bool]:
    """What an encoder has learned, and whether it learned it now.

    Args:
        folder: where it is kept.
        as_of: a run for an earlier day must not use what was learned later.
        teach: learns, where nothing was learned before: what was found, and the hashes of the texts used.
    """
    from python_ml.finetuning.store import load_lesson, save_lesson  # torch: only when there is work

    lesson = load_lesson(folder)
    if lesson is not None and lesson.as_of_date <= as_of:
        return lesson, False
    save_lesson(folder, *teach(), as_of)
    return load_lesson(folder), True


def generation(examples: int, growth: float) -> int:
    """Goes up by one each time there are `growth` times as many examples: time to learn anew."""
    return math.floor(math.log(examples) / math.log(growth))


def nothing_to_do(tables: Sequence[str], why: str) -> StepResult:
    """Tables of schema `ml` without a row, and the reason for all to see."""
    return StepResult(
        tables={name: _without_rows(name) for name in tables},
        metadata={name: {"work done": why} for name in tables},
    )


def _without_rows(table: str) -> pl.DataFrame:
    return pl.DataFrame(schema=ml_contracts()[table].columns).drop("model_version", "as_of_date")


def save_model(paths: ShopPaths, capability: str, version: str, arrays: Mapping[str, Any]) -> None:
    """Write what was fitted as safetensors under var/<source>/models/<capability>/<version>/."""
    from safetensors.numpy import save_file

    folder = paths.models / capability / version
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "model.safetensors.partial"
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, partial)
    partial.replace(folder / "model.safetensors")


def load_model(paths: ShopPaths, capability: str, version: str) -> dict[str, np.ndarray] | None:
    """What `save_model` wrote under this version; None where it did not."""
    from safetensors.numpy import load_file

    file = paths.models / capability / version / "model.safetensors"
    return load_file(file) if file.exists() else None


def checkpoint_folder(paths: ShopPaths, step: str, version: str, as_of: date) -> Path:
    """Where a step keeps trainings that may be interrupted: another folder for other data, code or day."""
    return paths.checkpoints / step / f"{version}-{as_of}"


def remove_checkpoints(paths: ShopPaths, step: str) -> None:
    """Once a step has succeeded there is nothing to go on from, neither from its own nor from older ones."""
    if (paths.checkpoints / step).exists():
        shutil.rmtree(paths.checkpoints / step)


def load_models(paths: ShopPaths, capability: str) -> Iterator[dict[str, np.ndarray]]:
    """What `save_model` wrote for this shop, the newest first."""
    from safetensors.numpy import load_file

    files = (paths.models / capability).glob("*/model.safetensors")
    for file in sorted(files, key=lambda file: file.stat().st_mtime_ns, reverse=True):
        yield load_file(file)


def load_newest_model(paths: ShopPaths, capability: str) -> dict[str, np.ndarray] | None:
    """What `save_model` wrote last for this shop, whatever its version; None before the first time."""
    return next(load_models(paths, capability), None)


def markdown_table(frame: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """A small frame as a markdown table."""
    lines = ["| " + " | ".join(frame.columns) + " |", "|" + " --- |" * frame.width]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in frame.rows()]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
