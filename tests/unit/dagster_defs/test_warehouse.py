"""The warehouse: all or nothing, one writer, clear words when somebody else holds the file."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from dagster_defs import warehouse as module
from dagster_defs.resources import Shop
from dagster_defs.warehouse import Warehouse
from python_ml.errors import ContractError, WarehouseBusyError
from tests.unit.dagster_defs.warehouses import with_texts

STAMP = {"model_version": "v1", "as_of_date": date(2018, 1, 1)}


def vectors(*hashes: str, model: str = "tiny", version: str = "v1") -> pl.DataFrame:
    rows = [
        {"text_hash": key, "embedding_model": model, "dimension": 2, "embedding": [0.6, 0.8]}
        | STAMP
        | {"model_version": version}
        for key in hashes
    ]
    return pl.DataFrame(rows)


def cohorts(*users: str) -> pl.DataFrame:
    row = {
        "cohort_id": "c1",
        "cohort_name": "Everybody",
        "cohort_method": "k-means",
        "distance_to_centre": 0.5,
        "likely_cohort_id": "c1",
        "likely_cohort_probability": 0.5,
    }
    return pl.DataFrame([{"user_id": user} | row | STAMP for user in users])


def test_what_is_written_is_read_back(tmp_path: Path):
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    warehouse.replace({"text_embeddings": vectors("a", "b")})
    back = warehouse.read("ml", "text_embeddings").sort("text_hash")
    assert back["text_hash"].to_list() == ["a", "b"]
    assert back["embedding"].to_list() == [pytest.approx([0.6, 0.8])] * 2
    assert back["as_of_date"].to_list() == [date(2018, 1, 1)] * 2
    assert warehouse.row_counts() == {"ml.text_embeddings": 2}


def test_a_long_table_is_read_in_parts_with_each_string_once(tmp_path: Path, monkeypatch):
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    with duckdb.connect(warehouse.path) as connection:
        connection.execute("create schema features")
        connection.execute(
            "create table features.interactions as"
            " select 'user ' || i % 3 as user_id, if(i = 4, null, 'view') as event_type, i as number,"
            " 'no' as other from range(5000) t (i)"
        )
    monkeypatch.setattr(module, "ROWS_AT_A_TIME", 2048)
    columns = ["user_id", "event_type", "number"]
    compact = warehouse.read_compact("features", "interactions", columns=columns)
    whole = warehouse.read("features", "interactions", columns=columns)
    assert compact.schema == dict(whole.schema) | {name: pl.Categorical() for name in columns[:2]}
    assert compact.cast({pl.Categorical: pl.String}).sort("number").equals(whole.sort("number"))
    with duckdb.connect(warehouse.path) as connection:
        connection.execute("delete from features.interactions")
    empty = warehouse.read_compact("features", "interactions", columns=columns)
    assert (empty.height, empty.schema) == (0, compact.schema)


def test_vectors_are_those_of_one_table_s_texts_by_one_encoder(tmp_path: Path):
    """Two rows may share a text; a text may have no vector yet, or one of another encoder as well."""
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    others = vectors("b", "z", model="other", version="v2")
    warehouse.replace({"text_embeddings": pl.concat([vectors("c", "a", "b"), others])})
    with duckdb.connect(warehouse.path) as connection:
        connection.execute("create schema features")
        connection.execute(
            "create table features.item_texts as from (values ('b'), ('c'), ('b'), ('z')) t (text_hash)"
        )
    assert warehouse.read_vectors("item_texts", "v1")["text_hash"].to_list() == ["b", "c"]
    assert warehouse.read_vectors("item_texts", "v2")["text_hash"].to_list() == ["b", "z"]
    with pytest.raises(ContractError, match=r"features\.review_texts"):
        warehouse.read_vectors("review_texts", "v1")


def test_rows_of_other_versions_are_dropped_and_no_others(tmp_path: Path):
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    rows = [vectors("a", version="v1"), vectors("b", version="v2"), vectors("c", version="v3")]
    warehouse.replace({"text_embeddings": pl.concat(rows)})
    before = warehouse.read("ml", "text_embeddings")
    warehouse.keep_versions("text_embeddings", ["v1", "v3"])
    kept = warehouse.read("ml", "text_embeddings")
    assert sorted(kept["text_hash"]) == ["a", "c"]
    assert kept.schema == before.schema


def test_replacing_leaves_nothing_of_the_old_rows(tmp_path: Path):
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    warehouse.replace({"text_embeddings": vectors("a", "b")})
    warehouse.replace({"text_embeddings": vectors("c")})
    assert warehouse.read("ml", "text_embeddings", columns=["text_hash"])["text_hash"].to_list() == ["c"]


def test_one_bad_frame_keeps_every_table_as_it_was(tmp_path: Path):
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    warehouse.replace({"text_embeddings": vectors("a"), "user_cohorts": cohorts("u1")})
    with pytest.raises(ContractError, match=r"ml\.user_cohorts"):
        warehouse.replace({"text_embeddings": vectors("z"), "user_cohorts": cohorts("u1", "u1")})
    assert warehouse.read("ml", "text_embeddings")["text_hash"].to_list() == ["a"]


def test_a_table_in_parts_is_what_the_parts_are_together(tmp_path: Path):
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    left_by_a_kill = tmp_path / "w.text_embeddings.parts"
    left_by_a_kill.mkdir()
    vectors("of another run").write_parquet(left_by_a_kill / "000002.parquet")
    parts = [vectors("a", "b"), vectors("c"), vectors("d").clear()]
    assert warehouse.replace_in_parts("text_embeddings", iter(parts)) == 3
    in_parts = warehouse.read("ml", "text_embeddings")
    assert in_parts["text_hash"].to_list() == ["a", "b", "c"]
    warehouse.replace({"text_embeddings": vectors("a", "b", "c")})
    assert warehouse.read("ml", "text_embeddings").equals(in_parts)
    assert warehouse.replace_in_parts("text_embeddings", [vectors("a").clear()]) == 0
    assert warehouse.read("ml", "text_embeddings").schema == in_parts.schema
    assert [file.name for file in tmp_path.iterdir()] == ["w.duckdb"]


def test_a_bad_part_and_one_that_is_never_made_keep_the_table_as_it_was(tmp_path: Path):
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    warehouse.replace({"text_embeddings": vectors("a")})
    with pytest.raises(ContractError, match=r"ml\.text_embeddings"):
        warehouse.replace_in_parts("text_embeddings", [vectors("b"), vectors("c", "c")])

    def interrupted():
        yield vectors("b")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        warehouse.replace_in_parts("text_embeddings", interrupted())
    assert warehouse.read("ml", "text_embeddings")["text_hash"].to_list() == ["a"]
    assert [file.name for file in tmp_path.iterdir()] == ["w.duckdb"]


def test_distinct_rows_are_each_once(tmp_path: Path):
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    rows = [vectors("a", "b", version="v1"), vectors("c", version="v2")]
    warehouse.replace({"text_embeddings": pl.concat(rows)})
    found = warehouse.read_distinct("ml", "text_embeddings", columns=["model_version", "dimension"])
    assert sorted(found.rows()) == [("v1", 2), ("v2", 2)]


def test_the_environment_limits_the_memory_of_the_steps_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOAL_MEMORY_LIMIT", "3GB")
    assert Shop().warehouse().memory_limit == "3GB"


@pytest.mark.parametrize(("limit", "sparing"), [(None, "953.6 MiB"), ("512MB", "488.2 MiB")])
def test_duckdb_keeps_no_more_in_memory_than_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str | None, sparing: str
):
    """What writes beside models has a limit of its own; a billion bytes are 953.6 MiB."""
    from ibis.backends.duckdb import Backend

    seen = {}

    def noting(name):
        original = getattr(Backend, name)

        def noted(self, *args, **kwargs):
            seen[name] = self.con.sql("select current_setting('memory_limit')").fetchone()[0]
            return original(self, *args, **kwargs)

        monkeypatch.setattr(Backend, name, noted)

    noting("insert")
    noting("create_table")
    warehouse = Warehouse(path=tmp_path / "w.duckdb", memory_limit=limit)
    warehouse.replace({"text_embeddings": vectors("a")})
    warehouse.append("text_embeddings", vectors("b"))
    assert seen["insert"] == sparing
    assert (seen["create_table"] == sparing) == (limit is not None)
    for write in (
        lambda: warehouse.replace_in_parts("text_embeddings", [vectors("c", version="v1")]),
        lambda: warehouse.keep_versions("text_embeddings", ["v1"]),
    ):
        seen.clear()
        write()
        assert seen["create_table"] == sparing


def test_a_failure_between_two_tables_rolls_the_first_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from ibis.backends.duckdb import Backend

    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    warehouse.replace({"text_embeddings": vectors("a"), "user_cohorts": cohorts("u1")})
    create_table = Backend.create_table

    def fail_on_the_second(self, name, *args, **kwargs):
        if name == "user_cohorts":
            raise RuntimeError("power cut")
        return create_table(self, name, *args, **kwargs)

    monkeypatch.setattr(Backend, "create_table", fail_on_the_second)
    with pytest.raises(RuntimeError, match="power cut"):
        warehouse.replace({"text_embeddings": vectors("z"), "user_cohorts": cohorts("u2")})
    assert warehouse.read("ml", "text_embeddings")["text_hash"].to_list() == ["a"]


@pytest.mark.parametrize("exists", [True, False])
def test_a_table_that_is_not_there_is_named(tmp_path: Path, exists: bool):
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    if exists:
        warehouse.replace({"text_embeddings": vectors("a")})
    with pytest.raises(ContractError, match=r"features\.interactions is not in the warehouse"):
        warehouse.read("features", "interactions")


def test_a_held_warehouse_names_the_holder(tmp_path: Path):
    path = tmp_path / "w.duckdb"
    Warehouse(path=path).replace({"text_embeddings": vectors("a")})
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        impatient = Warehouse(path=path, patience_seconds=0)
        with pytest.raises(WarehouseBusyError, match=f"PID {holder.pid}"):
            impatient.check_free()
        holder.stdin.close()
        holder.wait()
    impatient.check_free()


def test_texts_without_vector_are_those_of_all_tables_once(tmp_path: Path):
    items = [("h4", "ale"), ("h1", "bread"), ("h4", "ale"), ("h3", "tea")]
    warehouse = with_texts(tmp_path / "w.duckdb", items=items, reviews=[("h3", "tea"), ("h2", "nice")])
    warehouse.replace({"text_embeddings": vectors("h1", "of another shop")})

    def missing(version: str, **options) -> list[str]:
        found = warehouse.texts_without_vector(["items", "reviews"], version, **options)
        return found["text_hash"].to_pylist()

    assert missing("v1") == ["h2", "h3", "h4"]
    assert missing("v1", limit=2) == ["h2", "h3"]
    assert missing("v1", after="h2") == ["h3", "h4"]
    assert missing("v2") == ["h1", "h2", "h3", "h4"]
    assert warehouse.count_texts_without_vector(["items", "reviews"], "v1") == 3
    with pytest.raises(ContractError, match=r"features\.letters"):
        warehouse.count_texts_without_vector(["letters"], "v1")


def test_appended_rows_are_added_or_none_is(tmp_path: Path):
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    warehouse.replace({"text_embeddings": vectors("a")})
    warehouse.append("text_embeddings", vectors("b", "c"))
    with pytest.raises(ContractError, match="repeat a key"):
        warehouse.append("text_embeddings", vectors("d", "d"))
    assert sorted(warehouse.read("ml", "text_embeddings")["text_hash"]) == ["a", "b", "c"]


def test_batches_hold_the_table(tmp_path: Path):
    warehouse = Warehouse(path=tmp_path / "w.duckdb")
    warehouse.replace({"text_embeddings": vectors(*(f"h{number}" for number in range(5000)))})
    batches = list(warehouse.read_batches("ml", "text_embeddings", columns=["text_hash"], rows=2048))
    assert [batch.columns for batch in batches] == [["text_hash"]] * len(batches)
    assert max(batch.height for batch in batches) <= 2048
    assert len(set(pl.concat(batches)["text_hash"])) == 5000
