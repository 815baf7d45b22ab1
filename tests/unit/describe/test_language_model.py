"""A causal language model from a folder: a tiny one with random weights, made here."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from python_ml.config import DescribeConfig
from python_ml.describe.build import Writer, describe_cohorts
from python_ml.describe.language_model import LanguageModel
from python_ml.describe.locate import language_model_name
from python_ml.errors import ModelError
from tests.unit.describe.profiles import PROFILE, RULE

WORDS = ["<unk>", "<end>", "They", "buy", "fuel", "nine", "orders", "57", ".", "users", "more", "than"]
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def save_model(folder: Path, *, positions: int = 2048, template: str | None = TEMPLATE) -> Path:
    words = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", eos_token="<end>")
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(WORDS), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=positions,
        bos_token_id=None, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "tiny")


def load(folder: Path, tokens: int = 20) -> LanguageModel:
    return LanguageModel.load(str(folder), torch.device("cpu"), max_new_tokens=tokens)


def test_what_random_weights_write_is_refused(folder: Path):
    model = load(folder)
    name = language_model_name(str(folder))
    names = pl.DataFrame({"cohort_id": ["c1"], "cohort_name": ["Small-basket fuel shoppers"]})
    tables = (pl.DataFrame(PROFILE), pl.DataFrame([RULE]), names, DescribeConfig())
    described = describe_cohorts(*tables, Writer(name, model.write))
    assert described["refused_text_reason"][0] is not None
    plain = describe_cohorts(*tables)
    assert described.drop("refused_text_reason").equals(plain.drop("refused_text_reason"))


def test_the_same_prompt_is_answered_the_same(folder: Path):
    first = load(folder).write("They buy fuel")
    assert first.text
    assert load(folder).write("They buy fuel") == first


def test_an_answer_without_an_end_is_cut(folder: Path):
    answer = load(folder, tokens=3).write("They buy fuel")
    assert answer.trouble in (None, "the text is cut after 3 tokens")
    assert len(answer.text.split()) <= 3


def test_an_answer_that_ends_is_whole(tmp_path: Path):
    """A head that likes the end alone: all of its other rows are zero."""
    model = LlamaForCausalLM.from_pretrained(save_model(tmp_path / "tiny"))
    with torch.no_grad():
        hidden = model.model(torch.tensor([[2, 3, 4]])).last_hidden_state[0, -1]
        model.lm_head.weight.zero_()
        model.lm_head.weight[1] = hidden
    model.save_pretrained(tmp_path / "tiny")
    answer = load(tmp_path / "tiny").write("They buy fuel")
    assert (answer.text, answer.trouble) == ("", None)


def test_facts_longer_than_the_model_reads(tmp_path: Path):
    answer = load(save_model(tmp_path / "tiny", positions=10), tokens=8).write("They buy fuel")
    # Three words and eight tokens to write.
    assert answer.trouble == "the facts are 3 tokens, and the model reads and writes 10"


def test_a_model_without_a_chat_template(tmp_path: Path):
    with pytest.raises(ModelError, match="no chat template") as caught:
        load(save_model(tmp_path / "tiny", template=None))
    assert "instructions" in caught.value.remedy


@pytest.mark.parametrize(
    ("gone", "named"),
    [("config.json", "config.json"), ("model.safetensors", "safetensors"), ("tokenizer.json", "tokenizer")],
)
def test_a_folder_that_is_incomplete(tmp_path: Path, gone: str, named: str):
    (save_model(tmp_path / "tiny") / gone).unlink()
    with pytest.raises(ModelError, match=f"{named}.* not found"):
        load(tmp_path / "tiny")


@pytest.mark.parametrize("model", ["meta/some-model", "all-MiniLM-L6-v2", "nowhere"])
def test_what_is_no_folder_is_not_looked_for_elsewhere(model: str):
    with pytest.raises(ModelError, match="the folder itself"):
        language_model_name(model)


def test_a_model_of_another_kind(tmp_path: Path):
    file = save_model(tmp_path / "tiny") / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"architectures": ["BertModel"]}))
    with pytest.raises(ModelError, match=r"no causal language model.*BertModel"):
        load(tmp_path / "tiny")


def test_missing_weights_are_not_made_up(tmp_path: Path):
    from safetensors.torch import load_file, save_file

    file = save_model(tmp_path / "tiny") / "model.safetensors"
    weights = load_file(file)
    del weights["lm_head.weight"]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"1 weights are missing, such as lm_head\.weight"):
        load(tmp_path / "tiny")


def test_damaged_weights(tmp_path: Path):
    (save_model(tmp_path / "tiny") / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(tmp_path / "tiny")


def test_the_name_changes_with_the_weights(tmp_path: Path):
    folder = save_model(tmp_path / "tiny")
    before = language_model_name(str(folder))
    assert before == language_model_name(str(folder))
    assert before.startswith("tiny#")
    file = folder / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert language_model_name(str(folder)) != before


def test_without_a_model_neither_torch_nor_transformers_is_loaded():
    code = (
        "import sys\n"
        "for name in ('torch', 'transformers'): sys.modules[name] = None\n"
        "import python_ml.describe.build, python_ml.describe.locate\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
