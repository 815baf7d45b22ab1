"""Where models come from, the name of their vectors, and what is said when one cannot be loaded."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch

from python_ml.config import EmbeddingConfig
from python_ml.embedding import load
from python_ml.embedding.encoder import Encoder
from python_ml.embedding.locate import BUNDLED, embedding_model_name, locate_model
from python_ml.errors import ModelError

CPU = torch.device("cpu")
BUNDLED_NAME = "all-MiniLM-L6-v2"


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A copy of the bundled model that a test may damage."""
    source = locate_model(BUNDLED_NAME).folder
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(source / name, tmp_path / name)
    return tmp_path


def test_bundled_id_and_folder(model_folder):
    assert (locate_model(BUNDLED_NAME).folder / "model.safetensors").is_file()
    assert locate_model("sentence-transformers/all-MiniLM-L6-v2").folder is None
    assert locate_model("bert-base-uncased").folder is None
    assert locate_model(str(model_folder)).folder == model_folder


def test_a_local_folder_gives_the_same_vectors(model_folder, exact_encoder):
    local = Encoder.load(EmbeddingConfig(model=str(model_folder), precision="float32"), CPU)
    assert (local.encode(["rye bread"]) == exact_encoder.encode(["rye bread"])).all()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("config.json", "config.json"),
        ("model.safetensors", r"\*.safetensors"),
        ("tokenizer.json", "tokenizer"),
    ],
)
def test_a_folder_that_lacks_a_file_is_named(model_folder, name, said):
    (model_folder / name).unlink()
    (model_folder / "vocab.txt").unlink()
    with pytest.raises(ModelError, match=said) as caught:
        locate_model(str(model_folder))
    assert caught.value.where == str(model_folder)


@pytest.mark.parametrize("setting", ["/no/such/folder", "./no-such-folder", "~/no-such-folder", "a/b/c"])
def test_a_folder_that_is_not_there(setting):
    with pytest.raises(ModelError, match="the folder itself"):
        locate_model(setting)


def test_damaged_weights_are_a_model_error(model_folder):
    (model_folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="cannot be loaded"):
        Encoder.load(EmbeddingConfig(model=str(model_folder)), CPU)


def test_a_model_that_brings_its_own_code_is_not_run(model_folder):
    settings = json.loads((model_folder / "config.json").read_text())
    settings |= {
        "model_type": "homemade",
        "auto_map": {"AutoConfig": "code.Config", "AutoModel": "code.Model"},
    }
    (model_folder / "config.json").write_text(json.dumps(settings))
    (model_folder / "code.py").write_text("raise SystemExit('code of a model was run')")
    with pytest.raises(ModelError):
        Encoder.load(EmbeddingConfig(model=str(model_folder)), CPU)


def test_a_package_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(BUNDLED, "tiny", ("no_such_package_at_all", "model"))
    with pytest.raises(ModelError, match="not installed"):
        locate_model("tiny")


def test_an_id_that_may_not_be_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    config = EmbeddingConfig(model="somebody/not-in-any-cache", download=False)
    with pytest.raises(ModelError, match="download = true"):
        load.load_model(config, torch.float32)


def test_an_id_is_looked_for_in_the_cache_before_the_hub(monkeypatch):
    asked = []

    def read(located, config, dtype, *, local_only):
        asked.append((located.source, config.revision, dtype, local_only))
        if local_only:
            raise ModelError("not cached", where="cache", remedy="download")
        return "model", "tokenizer"

    monkeypatch.setattr(load, "_read", read)
    config = EmbeddingConfig(model="owner/name", revision="v1")
    assert load.load_model(config, torch.bfloat16) == ("model", "tokenizer")
    assert asked == [("owner/name", "v1", torch.bfloat16, True), ("owner/name", "v1", torch.bfloat16, False)]


def test_a_folder_is_read_without_asking_the_hub(model_folder, monkeypatch):
    asked = []

    def read(located, config, dtype, *, local_only):
        asked.append((located.folder, local_only))
        return "model", "tokenizer"

    monkeypatch.setattr(load, "_read", read)
    load.load_model(EmbeddingConfig(model=str(model_folder)), torch.float32)
    assert asked == [(model_folder, True)]


def test_revision_and_safety_reach_transformers(monkeypatch):
    calls = []

    class Recorder:
        @staticmethod
        def from_pretrained(source, **options):
            calls.append((source, options))
            raise OSError("unreachable")

    monkeypatch.setattr(load, "AutoTokenizer", Recorder)
    with pytest.raises(ModelError, match="check the id and the network"):
        load.load_model(EmbeddingConfig(model="owner/name", revision="v1"), torch.float32)
    assert [options["local_files_only"] for _, options in calls] == [True, False]
    for source, options in calls:
        assert source == "owner/name"
        assert options["revision"] == "v1"
        assert options["trust_remote_code"] is False


def test_the_name_changes_when_vectors_may(model_folder):
    plain = EmbeddingConfig()
    assert embedding_model_name(plain).startswith(f"{BUNDLED_NAME}#")
    assert embedding_model_name(plain) == embedding_model_name(EmbeddingConfig())
    assert embedding_model_name(plain) != embedding_model_name(EmbeddingConfig(max_tokens=64))
    hub = EmbeddingConfig(model="owner/name")
    assert embedding_model_name(hub) != embedding_model_name(dataclasses.replace(hub, revision="v2"))
    same_vectors = EmbeddingConfig(precision="float32", tokens_per_batch=99, download=False)
    assert embedding_model_name(plain) == embedding_model_name(same_vectors)
    for change in (
        {"passage_prefix": "query: "}, {"pooling": "cls"}, {"normalise": False}, {"long_texts": "cut"},
        {"window_overlap": 8},
    ):  # fmt: skip
        assert embedding_model_name(plain) != embedding_model_name(EmbeddingConfig(**change)), change
    local = EmbeddingConfig(model=str(model_folder))
    before = embedding_model_name(local)
    weights = model_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    assert embedding_model_name(local) != before


def test_a_model_that_pools_otherwise_says_so(model_folder):
    """A folder saved by sentence-transformers tells how it pools; another way would be quietly worse."""
    folder = model_folder / "1_Pooling"
    folder.mkdir(exist_ok=True)
    for published in (
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
        {"pooling_mode": "cls"},
    ):
        (folder / "config.json").write_text(json.dumps(published))
        with pytest.raises(ModelError, match="trained with pooling cls, the setting is mean"):
            Encoder.load(EmbeddingConfig(model=str(model_folder)), CPU)
    assert Encoder.load(EmbeddingConfig(model=str(model_folder), pooling="cls"), CPU).dimension == 384


def test_every_setting_reaches_its_object(model_folder, monkeypatch):
    config = EmbeddingConfig(
        model=str(model_folder), revision="v9", max_tokens=17, tokens_per_batch=33, precision="bfloat16",
        download=False, passage_prefix="of: ", query_prefix="for: ", pooling="cls", normalise=False,
        long_texts="cut", window_overlap=5, texts_per_chunk=2, adapter="/an/adapter",
    )  # fmt: skip
    encoder = Encoder.load(dataclasses.replace(config, adapter=None), CPU)
    default = EmbeddingConfig()
    reached = {
        "model": encoder.model.config.name_or_path == str(model_folder),
        "revision": encoder.name
        != embedding_model_name(dataclasses.replace(config, revision=None, adapter=None)),
        "adapter": True,  # see test_weights_change_by_the_product_of_the_matrices
        "max_tokens": encoder.max_tokens == 17,
        "tokens_per_batch": encoder.tokens_per_batch == 33,
        "precision": encoder.dtype is torch.bfloat16,
        "download": True,  # see test_an_id_that_may_not_be_downloaded
        "passage_prefix": encoder.tokenise(["x"]).windows == [encoder.tokenizer("of: x")["input_ids"]],
        "query_prefix": True,  # see test_prefixes_are_part_of_the_text
        "pooling": True,  # see test_the_start_mark_alone_where_the_setting_says_so
        "normalise": True,  # see test_vectors_keep_their_length_where_the_setting_says_so
        "long_texts": len(encoder.tokenise(["word " * 50]).windows) == 1,
        "window_overlap": True,  # see test_windows_by_hand
        "texts_per_chunk": True,  # see test_chunks_hold_every_row_once_in_order_and_no_more_than_asked_for
    }
    assert set(reached) == {field.name for field in dataclasses.fields(EmbeddingConfig)}
    for field in dataclasses.fields(config):
        assert getattr(config, field.name) != getattr(default, field.name)
        assert reached[field.name], field.name
