"""An adapter in the settings: worked into the weights, part of the name, refused when it does not fit."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.numpy import load_file, save_file
from transformers import AutoModel

from python_ml.config import EmbeddingConfig
from python_ml.embedding.encoder import Encoder
from python_ml.embedding.locate import embedding_model_name, locate_model
from python_ml.errors import ModelError

CPU = torch.device("cpu")
BUNDLED_NAME = "all-MiniLM-L6-v2"
TEXTS = ["rye bread", "a lamp that broke"]


def bundled_model():
    return AutoModel.from_pretrained(locate_model(BUNDLED_NAME).folder, dtype=torch.float32)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter that changes something: its second matrices are not zero."""
    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(0)
    config = LoraConfig(r=2, lora_alpha=8, target_modules=["query"], init_lora_weights=False)
    get_peft_model(bundled_model(), config).save_pretrained(folder)
    return folder


def with_adapter(folder: Path, **settings: str) -> EmbeddingConfig:
    return EmbeddingConfig(adapter=str(folder), **{"precision": "float32"} | settings)


def test_weights_change_by_the_product_of_the_matrices(adapter: Path):
    encoder = Encoder.load(with_adapter(adapter), CPU)
    tensors = load_file(adapter / "adapter_model.safetensors")
    prefix = "base_model.model.encoder.layer.3.attention.self.query"
    # W + (alpha / r) B A, Hu et al. 2022.
    change = 8 / 2 * tensors[f"{prefix}.lora_B.weight"] @ tensors[f"{prefix}.lora_A.weight"]
    before = bundled_model().encoder.layer[3].attention.self.query.weight.detach().numpy()
    after = encoder.model.encoder.layer[3].attention.self.query.weight.detach().numpy()
    np.testing.assert_allclose(after, before + change, atol=1e-5)
    assert not np.allclose(
        encoder.encode(TEXTS), Encoder.load(EmbeddingConfig(), CPU).encode(TEXTS), atol=0.01
    )


def test_vectors_in_a_short_type_come_from_weights_summed_in_a_long_one(adapter: Path):
    exact = Encoder.load(with_adapter(adapter), CPU).model.encoder.layer[0].attention.self.query.weight
    short = Encoder.load(with_adapter(adapter, precision="bfloat16"), CPU)
    assert torch.equal(short.model.encoder.layer[0].attention.self.query.weight, exact.bfloat16())


def test_another_adapter_is_another_name(adapter: Path, tmp_path: Path):
    names = {embedding_model_name(EmbeddingConfig()), embedding_model_name(with_adapter(adapter))}
    tensors = load_file(adapter / "adapter_model.safetensors")
    save_file({name: 2 * value for name, value in tensors.items()}, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text((adapter / "adapter_config.json").read_text())
    names.add(embedding_model_name(with_adapter(tmp_path)))
    assert len(names) == 3


def test_a_folder_without_an_adapter_is_named(tmp_path: Path):
    with pytest.raises(ModelError, match=r"adapter_config.*adapter_model.* not found") as caught:
        embedding_model_name(with_adapter(tmp_path))
    assert caught.value.where == str(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        {
            "base_model.model.encoder.layer.9.attention.self.query.lora_A.weight": np.zeros(
                (2, 384), np.float32
            )
        },
        {
            "base_model.model.encoder.layer.0.attention.self.query.lora_A.weight": np.zeros(
                (2, 16), np.float32
            )
        },
    ],
    ids=["a layer the model has not", "another width"],
)
def test_an_adapter_of_another_model_is_refused(adapter: Path, tmp_path: Path, damage: dict):
    tensors = load_file(adapter / "adapter_model.safetensors") | damage
    save_file(tensors, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text((adapter / "adapter_config.json").read_text())
    with pytest.raises(ModelError, match="does not go with model 'all-MiniLM-L6-v2'"):
        Encoder.load(with_adapter(tmp_path), CPU)


def test_settings_that_are_no_adapter_are_refused(adapter: Path, tmp_path: Path):
    (tmp_path / "adapter_model.safetensors").write_bytes((adapter / "adapter_model.safetensors").read_bytes())
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "NOTHING"}))
    with pytest.raises(ModelError, match="does not go with model"):
        Encoder.load(with_adapter(tmp_path), CPU)
