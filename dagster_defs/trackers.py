"""What experiment trackers are told of an evaluation, where they are installed: TensorBoard and MLflow.

Both are extras of the project. A tracker never stops a run: the tables hold all that it is told.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl

from dagster_defs.settings import TRACKING_VARIABLE

INSTALL_MLFLOW = ".venv/bin/pip install -c constraints.txt -e '.[mlflow]'"
# What one call of MLflow's API may hold.
PARAMETERS_A_CALL, METRICS_A_CALL, PARAMETER_LENGTH = 100, 1000, 6000


def write_curves(folder: Path, history: pl.DataFrame) -> bool:
    """Write the learning curve of each trained model for TensorBoard, in place of what the folder held.

    Args:
        folder: a folder for each model is made in it.
        history: model_name, epoch, train_loss, validation_ndcg (null where nobody looked).

    Returns:
        Whether TensorBoard is installed and there was a curve.
    """
    if find_spec("tensorboard") is None or history.is_empty():
        return False
    from torch.utils.tensorboard import SummaryWriter

    shutil.rmtree(folder, ignore_errors=True)
    for (name,), curve in history.group_by("model_name", maintain_order=True):
        with SummaryWriter(str(folder / name)) as writer:
            for _, epoch, loss, ndcg in curve.rows():
                writer.add_scalar("train loss", loss, epoch)
                if ndcg is not None:
                    writer.add_scalar("validation ndcg@10", ndcg, epoch)
    return True


def log_to_mlflow(
    uri: str | None,
    evaluations: pl.DataFrame,
    *,
    experiment: str,
    version: str,
    as_of: date,
    warn: Callable[[str], None],
) -> None:
    """One MLflow run for each list and model: its settings, and its metrics over all users.

    Nothing of cohorts is told: it could be about few people, and leaves the warehouse.

    Args:
        uri: where to; None tells nobody.
        evaluations: `ml.model_evaluations` without model_version and as_of_date.
        experiment: name of the experiment; made where it is not there.
        version, as_of: model_version and as_of_date of the rows.
        warn: called with a sentence if MLflow could not be told.
    """
    if uri is None:
        return
    if find_spec("mlflow") is None:
        warn(f"{TRACKING_VARIABLE} is set and mlflow is not installed: `{INSTALL_MLFLOW}`, or unset it")
        return
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient(tracking_uri=uri)
        known = client.get_experiment_by_name(experiment)
        number = known.experiment_id if known else client.create_experiment(experiment)
        for list_name, model_name, told in _models(evaluations):
            tags = {"list_name": list_name, "model_name": model_name, "model_version": version,
                    "as_of_date": str(as_of), "is_champion": str(told["is_champion"][0]).lower()}  # fmt: skip
            _log_model(client, number, f"{list_name}/{model_name}", tags, told)
    except MlflowException as error:
        # The address may hold a password.
        reason = str(error).replace(uri, TRACKING_VARIABLE).splitlines()[0]
        warn(f"MLflow was not told of the evaluation: {reason}; see to {TRACKING_VARIABLE}, or unset it")


def _models(evaluations: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """List, model and rows of all who were measured."""
    measured = evaluations.filter(
        pl.col("cohort_id") == "all",
        pl.col("metric_value").is_not_null(),
        pl.col("model_config").is_not_null(),
    )
    by = ["list_name", "model_name"]
    for (list_name, model_name), rows in measured.sort(by).group_by(by, maintain_order=True):
        yield list_name, model_name, rows


def _log_model(client: Any, experiment: str, name: str, tags: dict[str, str], told: pl.DataFrame) -> None:
    from mlflow.entities import Metric, Param

    run = client.create_run(experiment, run_name=name, tags=tags).info
    settings = flatten(json.loads(told["model_config"][0]))
    given = [Param(key, str(value)[:PARAMETER_LENGTH]) for key, value in settings.items()]
    for start in range(0, len(given), PARAMETERS_A_CALL):
        client.log_batch(run.run_id, params=given[start : start + PARAMETERS_A_CALL])
    columns = ["split_name", "metric_name", "cutoff", "metric_value"]
    metrics = [
        # MLflow takes no @ in a name.
        Metric(f"{split}.{metric}_at_{cutoff}", value, run.start_time, 0)
        for split, metric, cutoff, value in told.select(columns).rows()
    ]
    for start in range(0, len(metrics), METRICS_A_CALL):
        client.log_batch(run.run_id, metrics=metrics[start : start + METRICS_A_CALL])
    client.set_terminated(run.run_id)


def flatten(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Nested settings by dotted name."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flatten(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
    return flat
