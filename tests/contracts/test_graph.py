"""One asset graph, from every raw file to the published copy, with a check at every border."""

import dagster as dg
import pytest

from dagster_defs.contracts import ml_contracts
from dagster_defs.dbt_assets import ACQUISITION_COHORTS
from dagster_defs.definitions import build_defs
from dagster_defs.publish import PUBLISHED_KEY


@pytest.fixture(scope="module")
def repository(manifest) -> dg.RepositoryDefinition:
    return build_defs().get_repository_def()


def test_the_graph_is_one_piece(repository: dg.RepositoryDefinition):
    graph = repository.asset_graph
    keys = graph.get_all_asset_keys()
    reached, queue = set(), [PUBLISHED_KEY]
    while queue:
        key = queue.pop()
        if key not in reached:
            reached.add(key)
            queue += [*graph.get(key).parent_keys, *graph.get(key).child_keys]
    assert reached == keys


def test_everything_leads_from_raw_files_to_the_published_copy(repository: dg.RepositoryDefinition):
    graph = repository.asset_graph
    roots = {key for key in graph.get_all_asset_keys() if not graph.get(key).parent_keys}
    # Of what the source has no file for the contract has an empty table; the seeds are the project's own.
    entities = ["orders", "events", "reviews", "locations"]
    entities += ["support_messages", "inventory_levels", "identities"]
    empty = {dg.AssetKey(["staging", f"stg_shop__{entity}"]) for entity in entities}
    names = ("country_names", "business_rules", "reason_texts", "audience_items")
    seeds = {dg.AssetKey(["staging", seed]) for seed in names}
    assert {key.path[0] for key in roots - empty - seeds} == {"complete_journey"}
    assert empty | seeds <= roots
    assert graph.get(PUBLISHED_KEY).child_keys == set()
    served = {key for key in graph.get_all_asset_keys() if key.path[0] == "serving"}
    assert served <= graph.get(PUBLISHED_KEY).parent_keys


def test_every_asset_can_be_materialised_here(repository: dg.RepositoryDefinition):
    graph = repository.asset_graph
    assert graph.executable_asset_keys == graph.get_all_asset_keys()


def test_every_written_table_is_an_asset_with_checks(repository: dg.RepositoryDefinition):
    checked = {key.asset_key for key in repository.asset_graph.asset_check_keys}
    for table in ml_contracts():
        assert dg.AssetKey(["ml", table]) in checked, f"ml.{table} has no check"


def test_the_table_whose_picture_dbt_shows_is_an_asset_of_dbt(repository: dg.RepositoryDefinition):
    """Under another key the retention triangle would be missing without a word."""
    assert "dbt" in repository.asset_graph.get(ACQUISITION_COHORTS).kinds


def test_named_jobs_and_a_schedule_that_is_off():
    definitions = build_defs()
    for name in ("build_everything", "refresh_features", "train"):
        assert definitions.resolve_job_def(name)
    schedule = definitions.resolve_schedule_def("daily")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED


def test_refresh_features_trains_nothing():
    layer = build_defs().resolve_job_def("refresh_features").asset_layer
    assert not {key.path[0] for key in layer.executable_asset_keys} & {"ml", "published"}


def test_every_writer_is_in_the_pool(repository: dg.RepositoryDefinition):
    for definition in repository.assets_defs_by_key.values():
        assert definition.op.pool == "warehouse_writer", definition.op.name
