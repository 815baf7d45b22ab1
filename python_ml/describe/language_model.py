"""A causal language model from a folder, which answers one prompt at a time, always the same."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from python_ml.describe.locate import locate_language_model
from python_ml.device import inference_dtype
from python_ml.errors import ModelError


@dataclass(frozen=True, slots=True)
class Answer:
    """Args: text: what the model wrote. trouble: why that is not a whole answer, None if it is."""

    text: str
    trouble: str | None = None


class LanguageModel:
    """Writes texts, greedily: the same prompt gives the same text on the same device.

    Args:
        model: in evaluation mode, on its device.
        tokenizer: its own, with a chat template.
        max_new_tokens: longest answer.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_new_tokens: int
    ) -> None:
        self._model, self._tokenizer = model, tokenizer
        known = model.generation_config.eos_token_id
        ends = known if isinstance(known, list) else [known]
        self._ends = sorted({end for end in [*ends, tokenizer.eos_token_id] if end is not None})
        # Made anew, not changed: a model's own settings may sample, or punish what is said twice, and a
        # number of the facts must be said as often as need be.
        self._generation = GenerationConfig(
            max_new_tokens=max_new_tokens,
            do_sample=False,
            num_beams=1,
            eos_token_id=self._ends or None,
            pad_token_id=self._ends[0] if self._ends else 0,
        )

    @classmethod
    def load(cls, folder: str, device: torch.device, *, max_new_tokens: int) -> "LanguageModel":
        """Load from a folder: nothing is downloaded, no code of the model's is run, only safetensors read.

        Raises:
            ModelError: files are missing or damaged, weights are missing, or there is no chat template.
        """
        located = locate_language_model(folder)
        model, tokenizer = _read(located, inference_dtype(device))
        return cls(model.to(device).eval(), tokenizer, max_new_tokens)

    @torch.inference_mode()
    def write(self, prompt: str) -> Answer:
        """The model's answer to one message of a user."""
        inputs = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
            enable_thinking=False,  # a variable some templates know; others pass it over
        ).to(self._model.device)
        length = inputs["input_ids"].shape[1]
        longest = getattr(self._model.config, "max_position_embeddings", None)
        if longest is not None and length + self._generation.max_new_tokens > longest:
            return Answer("", f"the facts are {length} tokens, and the model reads and writes {longest}")
        written = self._model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            generation_config=self._generation,
        )[0, length:].tolist()
        text = self._tokenizer.decode(written, skip_special_tokens=True).strip()
        if not written or written[-1] not in self._ends:
            return Answer(text, f"the text is cut after {len(written)} tokens")
        return Answer(text)


def _read(folder: Path, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
        model, info = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, output_loading_info=True, **options
        )
        # transformers fills what is missing with random numbers.
        if missing := sorted([*info["missing_keys"], *map(str, info["mismatched_keys"])]):
            raise ValueError(f"{len(missing)} weights are missing, such as {missing[0]}")
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"language model {folder.name!r} cannot be loaded: {str(error).splitlines()[0]}",
            where=str(folder),
            remedy="point `model` under [describe] at a complete folder saved with save_pretrained",
        ) from error
    if not tokenizer.chat_template:
        raise ModelError(
            f"language model {folder.name!r} has no chat template",
            where=str(folder),
            remedy="use a model that is tuned to follow instructions, or leave `model` out",
        )
    return model, tokenizer
