"""Load weights and tokenizer, and say in one sentence what is wrong when that fails."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from python_ml.config import EmbeddingConfig
from python_ml.embedding.locate import ModelSource, check_pooling, locate_adapter, locate_model
from python_ml.errors import ModelError


def load_model(
    config: EmbeddingConfig, dtype: torch.dtype
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load an encoder from its folder, from the local Hugging Face cache, or from the hub, in that order.

    Args:
        config: which model. Code that comes with a model is never run, and only safetensors are read
            (other weight formats can execute code on loading).
        dtype: the type the weights are loaded as.

    Returns:
        The model in evaluation mode on the CPU, and its tokenizer.

    Raises:
        ModelError: files missing or damaged, not an encoder, pooled otherwise than the config says, an
            adapter of another model, or the hub cannot be reached.
    """
    if config.adapter is None:
        return _load_as_it_came(config, dtype)
    # What an adapter adds is small: in a short type the sum would lose part of it.
    model, tokenizer = _load_as_it_came(config, torch.float32)
    return _with_adapter(model, config).to(dtype), tokenizer


def _load_as_it_came(
    config: EmbeddingConfig, dtype: torch.dtype
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    located = locate_model(config.model)
    if located.folder is not None:
        check_pooling(located.folder, config.pooling)
        return _read(located, config, dtype, local_only=True)
    try:
        # The cache first: a model that is already here needs no network, not even to ask for news.
        return _read(located, config, dtype, local_only=True)
    except ModelError:
        if not config.download:
            raise
    return _read(located, config, dtype, local_only=False)


def _read(
    located: ModelSource, config: EmbeddingConfig, dtype: torch.dtype, *, local_only: bool
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    options = {"local_files_only": local_only, "trust_remote_code": False}
    if located.folder is None and config.revision is not None:
        options["revision"] = config.revision
    try:
        tokenizer = AutoTokenizer.from_pretrained(located.source, **options)
        with _quietly():
            model = AutoModel.from_pretrained(
                located.source, dtype=dtype, attn_implementation="sdpa", use_safetensors=True, **options
            )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        # What transformers raises for: not found or unreachable, unknown architecture or code of its own,
        # a broken config, broken weights.
        raise ModelError(
            f"model {config.model!r} cannot be loaded: {str(error).splitlines()[0]}",
            where=located.source,
            remedy=_remedy(located, local_only),
        ) from error
    return model.eval(), tokenizer


def _with_adapter(model: PreTrainedModel, config: EmbeddingConfig) -> PreTrainedModel:
    folder = locate_adapter(config.adapter)
    try:
        with safe_open(folder / "adapter_model.safetensors", framework="pt") as tensors:
            written = set(tensors.keys())
        adapted = PeftModel.from_pretrained(model, folder)
        # peft passes over tensors that have no place in the model.
        if unplaced := written ^ set(get_peft_model_state_dict(adapted)):
            raise ValueError(f"{len(unplaced)} tensors do not match, such as {min(unplaced)}")
        return adapted.merge_and_unload().eval()
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        # Damaged files, settings of another kind of adapter, or matrices that do not fit this model.
        raise ModelError(
            f"adapter {config.adapter!r} does not go with model {config.model!r}:"
            f" {str(error).splitlines()[0]}",
            where=str(folder),
            remedy="use it with the model it was trained on, or train it anew",
        ) from error


@contextmanager
def _quietly() -> Iterator[None]:
    """No progress bar, which would draw over the caller's own; no report of a head nobody uses."""
    was_on, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if was_on:
            logging.enable_progress_bar()


def _remedy(located: ModelSource, local_only: bool) -> str:
    if located.folder is not None:
        return "replace the folder with a fresh copy of the model"
    if local_only:
        return "set `download = true`, or put the model into the local Hugging Face cache"
    return "check the id and the network, or name a bundled model or a local folder"
