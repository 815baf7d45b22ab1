"""The real MiniLM: meaning, padding, precision, odd texts."""

import dataclasses

import numpy as np
import pytest
import torch

from python_ml.config import EmbeddingConfig
from python_ml.embedding.encoder import Encoder
from python_ml.errors import SettingError

CPU = torch.device("cpu")
TEXTS = [
    "frozen cheese pizza, national brand, 12 oz",
    "a deep-frozen pizza with cheese",
    "shampoo for dry hair",
    "ice",
    "low-fat strawberry yoghurt from the dairy shelf, six small cups in one pack, own brand of the shop",
]


def test_like_sentences_are_closer_than_unlike(exact_encoder):
    pizza, other_pizza, shampoo, *_ = exact_encoder.encode(TEXTS)
    assert pizza @ other_pizza > 0.7
    assert pizza @ shampoo < 0.3


def test_vectors_are_float32_of_unit_length_in_the_order_of_the_texts(exact_encoder):
    together = exact_encoder.encode(TEXTS)
    assert together.shape == (5, 384)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-6)
    alone = np.vstack([exact_encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=2e-6)


def test_agrees_with_the_published_pooling(exact_encoder):
    """Mean over tokens of the last layer, written out for one text."""
    tokens = exact_encoder.tokenizer(TEXTS[0], return_tensors="pt")
    with torch.inference_mode():
        hidden = exact_encoder.model(**tokens).last_hidden_state[0].numpy()
    mean = hidden.sum(axis=0) / len(hidden)
    np.testing.assert_allclose(exact_encoder.encode(TEXTS[:1])[0], mean / np.sqrt((mean**2).sum()), atol=2e-6)


def test_bfloat16_stays_close_to_float32(exact_encoder):
    rough = Encoder.load(EmbeddingConfig(precision="bfloat16"), CPU)
    assert rough.dtype is torch.bfloat16
    assert next(rough.model.parameters()).dtype is torch.bfloat16
    cosines = (exact_encoder.encode(TEXTS) * rough.encode(TEXTS)).sum(axis=1)
    assert cosines.mean() >= 0.999


def test_odd_texts_have_a_vector(exact_encoder):
    texts = ["", "   \t\n", "word " * 5_000, "冰淇淋 香草", "naïve café 🍕", "\x00"]
    vectors = exact_encoder.encode(texts)
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(vectors[0], vectors[1], atol=2e-6)


def test_no_window_is_longer_than_the_setting(exact_encoder):
    tokens = exact_encoder.tokenise(["word", "word " * 300])
    # 254 words and two marks; the second window begins 254 - 32 words on.
    assert [len(ids) for ids in tokens.windows] == [3, 256, 300 - (254 - 32) + 2]


def test_a_text_that_comes_again_is_encoded_once(exact_encoder, monkeypatch):
    seen, tokenised = [], exact_encoder.tokenise(["ice", "pie"])
    monkeypatch.setattr(Encoder, "tokenise", lambda self, texts, **_: seen.extend(texts) or tokenised)
    vectors = exact_encoder.encode(["ice", "pie", "ice"])
    assert seen == ["ice", "pie"]
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert not np.allclose(vectors[0], vectors[1])


def test_vectors_keep_their_length_where_the_setting_says_so(exact_encoder):
    config = dataclasses.replace(exact_encoder.config, normalise=False)
    raw = dataclasses.replace(exact_encoder, config=config).encode(TEXTS)
    lengths = np.linalg.norm(raw, axis=1)
    assert abs(lengths - 1.0).min() > 0.1
    np.testing.assert_allclose(raw / lengths[:, None], exact_encoder.encode(TEXTS), atol=2e-6)


def test_the_start_mark_alone_where_the_setting_says_so(exact_encoder):
    config = dataclasses.replace(exact_encoder.config, pooling="cls")
    tokens = exact_encoder.tokenizer(TEXTS[0], return_tensors="pt")
    with torch.inference_mode():
        start = exact_encoder.model(**tokens).last_hidden_state[0, 0].numpy()
    for packed in (exact_encoder.packed, None):
        encoder = dataclasses.replace(exact_encoder, config=config, packed=packed)
        np.testing.assert_allclose(encoder.encode(TEXTS[:1])[0], start / np.linalg.norm(start), atol=2e-6)


def test_the_number_of_threads_is_as_it_was(exact_encoder):
    before = torch.get_num_threads()
    dataclasses.replace(exact_encoder, tokens_per_batch=16).encode(TEXTS)
    assert torch.get_num_threads() == before


def test_the_models_own_limit_wins_over_a_larger_setting():
    # MiniLM has 512 positions; token 513 would index past the end.
    encoder = Encoder.load(EmbeddingConfig(max_tokens=4_000, precision="float32"), CPU)
    assert encoder.max_tokens == 512
    assert encoder.encode(["word " * 600]).shape == (1, 384)


def test_no_texts_give_no_vectors(exact_encoder):
    assert exact_encoder.encode([]).shape == (0, 384)


def test_progress_counts_up_to_all(exact_encoder):
    seen = []
    small = dataclasses.replace(exact_encoder, tokens_per_batch=16)
    small.encode(TEXTS, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (5, 5)  # distinct texts
    assert len(seen) > 1
    assert seen == sorted(seen)


def test_the_model_attends_with_sdpa_and_does_not_train(exact_encoder):
    assert exact_encoder.model.config._attn_implementation == "sdpa"
    assert not exact_encoder.model.training


@pytest.mark.parametrize(
    "change",
    [
        {"model": " "},
        {"precision": "float16"},
        {"max_tokens": 2},
        {"tokens_per_batch": 0},
        {"texts_per_chunk": 0},
        {"pooling": "max"},
        {"long_texts": "ignore"},
        {"window_overlap": 254},
    ],
)
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(SettingError, match=next(iter(change))):
        EmbeddingConfig(**change)
