from datetime import date

import dagster as dg

from dagster_defs.backfills import build_backfill_job
from dagster_defs.resources import Shop


def test_a_partition_is_a_run_of_the_features_that_knows_its_day():
    asked = []

    @dg.asset
    def features(shop: Shop) -> None:
        asked.append(shop.settings().backfill)

    definitions = dg.Definitions(
        assets=[features],
        jobs=[dg.define_asset_job("refresh_features", dg.AssetSelection.all())],
        resources={"shop": Shop()},
    )
    job = build_backfill_job(lambda: definitions.resolve_job_def("refresh_features"))
    with dg.DagsterInstance.ephemeral() as instance:
        done = job.execute_in_process(partition_key="2017-11-01", instance=instance)
        assert done.success
        assert asked == [(date(2017, 11, 1), date(2017, 11, 1))]
        (refresh,) = [run for run in instance.get_runs() if run.job_name == "refresh_features"]
        assert refresh.tags["backfill_day"] == "2017-11-01"
