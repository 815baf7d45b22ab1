"""The packed forward pass against the library's own, on small models with random weights."""

import dataclasses

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from python_ml.embedding import bert
from python_ml.embedding.bert import PackedBert, attention

SIZES = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
TEXTS = [[2, 7, 9, 4, 3], [2, 8, 8, 1, 3], [2, 5, 3], [2, 3]]


def small(kind: str) -> torch.nn.Module:
    torch.manual_seed(0)
    if kind == "bert":
        return BertModel(BertConfig(**SIZES)).eval()
    return XLMRobertaModel(XLMRobertaConfig(**SIZES, pad_token_id=1, type_vocab_size=1)).eval()


@torch.inference_mode()
def alone(model: torch.nn.Module, ids: list[int]) -> np.ndarray:
    """What the library says of one text by itself, without padding."""
    mask = torch.ones(1, len(ids), dtype=torch.int64)
    return model(input_ids=torch.tensor([ids]), attention_mask=mask).last_hidden_state[0].numpy()


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_every_token_is_what_the_library_makes_of_its_text_alone(kind: str):
    model = small(kind)
    texts = TEXTS if kind == "bert" else [[0 if token == 1 else token for token in ids] for ids in TEXTS]
    hidden = PackedBert(model).last_hidden_states(texts)
    assert [tuple(run.shape) for run in hidden] == [(2, 5, 16), (1, 3, 16), (1, 2, 16)]
    flat = [text.numpy() for run in hidden for text in run]
    for ids, found in zip(texts, flat, strict=True):
        np.testing.assert_allclose(found, alone(model, ids), atol=2e-6)


def test_bfloat16_with_and_without_the_fused_product(monkeypatch: pytest.MonkeyPatch):
    model = small("bert")
    exact = torch.cat([run.flatten(0, 1) for run in PackedBert(model).last_hidden_states(TEXTS)])
    rough = small("bert").to(torch.bfloat16)
    for fused in (True, False):
        if not fused:
            monkeypatch.setattr(bert, "_has_fused_linear", lambda: False)
        packed = PackedBert(rough)
        assert packed.layers[0].up.fused == (fused and bert._has_fused_linear())
        found = torch.cat([run.flatten(0, 1) for run in packed.last_hidden_states(TEXTS)]).float()
        assert torch.cosine_similarity(found, exact).min() > 0.999


def test_a_processor_that_cannot_multiply_bfloat16_takes_the_plain_product(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False, raising=False)
    packed = PackedBert(small("bert").to(torch.bfloat16))
    assert not packed.layers[0].up.fused
    assert all(run.isfinite().all() for run in packed.last_hidden_states(TEXTS))


def test_attention_by_hand():
    # Scores 0 and 1 in powers of two: weights 1 / (1 + 2) and 2 / (1 + 2).
    query = torch.tensor([[[1.0, 0.0]]])
    key = torch.tensor([[[0.0, 5.0], [1.0, 5.0]]])
    value = torch.tensor([[[3.0, 0.0], [0.0, 3.0]]])
    torch.testing.assert_close(attention(query, key, value), torch.tensor([[[1.0, 2.0]]]))


@pytest.mark.parametrize("shift", [0.0, 100.0, 300.0, -100.0, -300.0])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_scores_out_of_range_change_nothing(shift: float, kind: torch.dtype):
    """2^300 is beyond either type, 2^-300 is nothing; softmax knows differences alone."""
    query = torch.ones(1, 1, 2, dtype=kind)
    key = torch.tensor([[[shift, 0.0], [shift, 2.0]]], dtype=kind)
    value = torch.tensor([[[5.0, 0.0], [0.0, 5.0]]], dtype=kind)
    found = attention(query, key, value).float()
    torch.testing.assert_close(found, torch.tensor([[[1.0, 4.0]]]), rtol=0.01, atol=0.0)


def test_other_architectures_are_left_to_the_library():
    sizes = {"vocab_size": 50, "dim": 16, "n_layers": 1, "n_heads": 4, "hidden_dim": 32}
    assert not PackedBert.supports(DistilBertModel(DistilBertConfig(**sizes)))
    assert not PackedBert.supports(BertModel(BertConfig(**SIZES, hidden_act="relu")))
    assert PackedBert.supports(small("bert"))
    assert PackedBert.supports(small("roberta"))


def test_the_real_model_agrees_with_the_librarys_own_pass(exact_encoder):
    texts = ["frozen cheese pizza", "ice", "a deep-frozen pizza with cheese", "pie", ""]
    library = dataclasses.replace(exact_encoder, packed=None)
    np.testing.assert_allclose(exact_encoder.encode(texts), library.encode(texts), atol=2e-6)
