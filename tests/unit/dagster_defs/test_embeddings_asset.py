"""Vectors are written chunk by chunk: a run that dies keeps what it wrote, and no text is embedded twice."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from dagster_defs.ml_assets.embeddings import drop_other_versions, embed_missing
from dagster_defs.warehouse import Warehouse
from python_ml.config import EmbeddingConfig
from python_ml.embedding.encoder import Encoder
from tests.unit.dagster_defs.warehouses import with_texts

AS_OF = date(2018, 1, 1)
CONFIG = EmbeddingConfig(precision="float32", texts_per_chunk=2)
TEXTS = [(f"h{number}", text) for number, text in enumerate(["ale", "bread", "cake", "dates", "eggs"])]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = with_texts(tmp_path / "w.duckdb", item_texts=TEXTS)
    drop_other_versions(made, ["v1"])
    return made


def embed(warehouse: Warehouse) -> list[int]:
    """What the progress counted."""
    seen = []
    embed_missing(warehouse, ["item_texts"], CONFIG, "cpu", "v1", AS_OF, seen.append)
    return seen


def hashes(warehouse: Warehouse) -> list[str]:
    return sorted(warehouse.read("ml", "text_embeddings")["text_hash"])


def test_a_run_that_dies_keeps_its_chunks_and_the_next_does_the_rest(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
):
    append, written = Warehouse.append, []

    def die_at_the_third(self: Warehouse, table: str, frame) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(frame.height)
        append(self, table, frame)

    with monkeypatch.context() as patch:
        patch.setattr(Warehouse, "append", die_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            embed(warehouse)
    assert hashes(warehouse) == ["h0", "h1", "h2", "h3"]
    assert embed(warehouse)[-1] == 1
    rows = warehouse.read("ml", "text_embeddings")
    assert sorted(rows["text_hash"]) == ["h0", "h1", "h2", "h3", "h4"]
    assert set(rows["model_version"]) == {"v1"}
    assert set(rows["as_of_date"]) == {AS_OF}


def test_a_new_text_is_the_only_one_embedded(warehouse: Warehouse):
    assert embed(warehouse)[-1] == len(TEXTS)
    with duckdb.connect(warehouse.path) as connection:
        connection.execute("insert into features.item_texts values ('9', 'h9', 'figs')")
    assert embed(warehouse)[-1] == 1
    assert hashes(warehouse)[-1] == "h9"


def test_vectors_of_another_version_are_dropped_and_those_of_this_one_kept(warehouse: Warehouse):
    embed(warehouse)
    drop_other_versions(warehouse, ["v1"])
    assert len(hashes(warehouse)) == len(TEXTS)
    drop_other_versions(warehouse, ["v2"])
    assert hashes(warehouse) == []


def test_the_warehouse_is_free_while_vectors_are_computed(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
):
    """dbt and every other writer get their turn: nothing holds the file between a read and a write."""
    encode_tokens, times = Encoder.encode_tokens, []

    def with_a_writer_beside(self, tokens, progress):
        warehouse.check_free()
        times.append(tokens.text_count)
        return encode_tokens(self, tokens, progress)

    monkeypatch.setattr(Encoder, "encode_tokens", with_a_writer_beside)
    embed(warehouse)
    assert times == [2, 2, 1]
