"""Arrow in, Arrow out: each text once, chunk by chunk, in another process too."""

import pickle
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_ml.config import EmbeddingConfig
from python_ml.embedding.arrow import SCHEMA, ArrowEmbedder, _chunks
from python_ml.embedding.encoder import Encoder
from python_ml.embedding.locate import embedding_model_name
from python_ml.errors import ContractError, DeviceError

CONFIG = EmbeddingConfig(precision="float32", texts_per_chunk=2)
ROWS = [("h3", "rye bread"), ("h1", "butter"), ("h3", "rye bread"), ("h2", "olive oil")]


def batch(*rows: tuple[str, str | None]) -> pa.RecordBatch:
    hashes, texts = zip(*rows, strict=True)
    return pa.RecordBatch.from_pydict({"text_hash": hashes, "text": texts, "item_id": list(range(len(rows)))})


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch):
    """Any attempt to load a model fails the test."""

    def refuse(*_):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(Encoder, "load", refuse)


def test_each_text_has_its_vector(exact_encoder):
    found = list(ArrowEmbedder(CONFIG, "cpu")([batch(*ROWS)]))
    assert [part.schema for part in found] == [SCHEMA, SCHEMA]
    table = pa.Table.from_batches(found)
    assert table["text_hash"].to_pylist() == ["h3", "h1", "h3", "h2"]
    assert set(table["embedding_model"].to_pylist()) == {embedding_model_name(CONFIG)}
    assert set(table["dimension"].to_pylist()) == {384}
    expected = exact_encoder.encode([text for _, text in ROWS])
    np.testing.assert_allclose(np.array(table["embedding"].to_pylist()), expected, atol=2e-6)


def test_a_text_that_is_twice_in_a_chunk_is_embedded_once():
    one_chunk = EmbeddingConfig(precision="float32")
    (found,) = ArrowEmbedder(one_chunk, "cpu")([batch(*ROWS[:2]), batch(*ROWS[2:])])
    assert found["text_hash"].to_pylist() == ["h3", "h1", "h2"]


def test_it_can_be_sent_to_another_process():
    sent = pickle.loads(pickle.dumps(ArrowEmbedder(CONFIG, "cpu")))
    (here,), (there,) = ArrowEmbedder(CONFIG, "cpu")([batch(ROWS[0])]), sent([batch(ROWS[0])])
    assert here.equals(there)


@pytest.mark.usefixtures("no_model")
def test_without_texts_no_model_is_loaded():
    assert list(ArrowEmbedder(CONFIG, "cpu")([])) == []
    assert list(ArrowEmbedder(CONFIG, "cpu")([batch(*ROWS).slice(0, 0)])) == []


def test_a_chunk_is_given_before_the_next_but_one_is_asked_for():
    """One chunk ahead is made ready while the last is computed, no more: memory does not grow."""
    asked = []

    def reader() -> Iterator[pa.RecordBatch]:
        for number in range(4):
            asked.append(number)
            yield batch((f"a{number}", f"bread {number}"), (f"b{number}", f"butter {number}"))

    vectors = ArrowEmbedder(CONFIG, "cpu")(reader())
    next(vectors)
    assert asked == [0, 1]
    next(vectors)
    assert asked == [0, 1, 2]


def test_progress_goes_on_over_chunks():
    seen = []
    list(ArrowEmbedder(CONFIG, "cpu", seen.append)([batch(*ROWS[:2]), batch(*ROWS[3:])]))
    assert seen == sorted(seen)
    assert seen[-1] == 3


def test_one_hash_for_two_texts_is_refused_without_showing_them():
    with pytest.raises(ContractError, match="h1 stands for more than one text") as raised:
        list(ArrowEmbedder(CONFIG, "cpu")([batch(("h1", "my secret"), ("h1", "butter"))]))
    assert "secret" not in str(raised.value)


def test_null_and_missing_columns_are_refused():
    with pytest.raises(ContractError, match="null"):
        list(ArrowEmbedder(CONFIG, "cpu")([batch(("h1", None))]))
    with pytest.raises(ContractError, match="text_hash is missing"):
        list(ArrowEmbedder(CONFIG, "cpu")([batch(*ROWS).drop_columns("text_hash")]))


def test_an_unknown_device_is_refused_even_with_nothing_to_do():
    with pytest.raises(DeviceError):
        list(ArrowEmbedder(CONFIG, "abacus")([]))


@given(st.lists(st.integers(0, 5), max_size=8), st.integers(1, 6))
def test_chunks_hold_every_row_once_in_order_and_no_more_than_asked_for(sizes: list[int], rows: int):
    names = [f"t{number}" for number in range(sum(sizes))]
    texts = pa.table({"text_hash": names, "text": names})
    starts = np.cumsum([0, *sizes])
    parts = [
        texts.slice(start, size).to_batches()[0] for start, size in zip(starts, sizes, strict=False) if size
    ]
    chunks = [chunk["text_hash"].to_pylist() for chunk in _chunks(parts, rows)]
    assert [name for chunk in chunks for name in chunk] == names
    assert all(len(chunk) == rows for chunk in chunks[:-1])
    assert all(0 < len(chunk) <= rows for chunk in chunks)
