"""Every model on the last four weeks of the real grocer, as `make run` measured it."""

import subprocess
import sys

import polars as pl

from benchmarks.results import Figure, record
from dagster_defs.paths import PROJECT_ROOT
from dagster_defs.settings import load_settings
from dagster_defs.warehouse import Warehouse

ABOUT = (
    "Complete Journey, split in global time: the last 28 days are the test, settings chosen on the 28 days"
    " before, models then fitted on everything before the test window; the whole catalogue ranked, seed 0."
    " `for_you`: anything the household buys; `discover`: only items new to it. In brackets the 95 % interval"
    " over users. ★ is the champion, chosen on validation. That the second stage learns from two windows was"
    " settled after a look at this test window: on it, its figures are no clean estimate."
)
SHOWN = [("ndcg", 5), ("ndcg", 10), ("ndcg", 20), ("recall", 5), ("recall", 10), ("recall", 20)]
SHOWN += [("mrr", 5), ("mrr", 10), ("mrr", 20), ("coverage", 10), ("coverage", 20), ("novelty", 10)]


def main() -> None:
    settings = load_settings()
    # Where code, settings and data are those of the last run, this computes nothing.
    subprocess.run([sys.executable, "-m", "dagster_defs.run"], cwd=PROJECT_ROOT, check=True)
    evaluation = Warehouse(path=settings.paths.published).read("serving", "recommender_evaluation")
    tested = evaluation.filter(
        pl.col("split_name") == "test",
        pl.col("cohort_id") == "all",
        pl.col("not_evaluated_reason").is_null(),
    )
    order = tested.filter(metric_name="ndcg", cutoff=10).sort("list_name", "metric_value", descending=True)
    figures = []
    for model in order.iter_rows(named=True):
        star = "★ " if model["is_champion"] else ""
        rows = tested.filter(list_name=model["list_name"], model_name=model["model_name"])
        for metric, cutoff in SHOWN:
            (row,) = rows.filter(metric_name=metric, cutoff=cutoff).to_dicts()
            figures.append(
                Figure(
                    metric=f"{metric}@{cutoff}",
                    case=f"{model['list_name']}: {star}{model['model_name']}",
                    value=row["metric_value"],
                    lower=row["lower_95"],
                    upper=row["upper_95"],
                )
            )
    record("recommender", ABOUT, figures)
