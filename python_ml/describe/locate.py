"""Where a causal language model is, and the name its texts are kept under."""

import hashlib
import json
from pathlib import Path

from python_ml.errors import ModelError
from python_ml.model_folder import file_digest, missing_parts

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json")
_CAUSAL = ("ForCausalLM", "LMHeadModel")


def locate_language_model(model: str) -> Path:
    """The folder of a model, with all that is needed to load it.

    Raises:
        ModelError: it is no folder, lacks a file, or holds another kind of model, whose head would be random.
    """
    folder = Path(model).expanduser()
    missing = missing_parts(folder, _TOKENIZER_FILES)
    if missing:
        raise ModelError(
            f"language model {model!r} is incomplete: {', '.join(missing)} not found",
            where=str(folder),
            remedy="point `model` under [describe] at a folder that save_pretrained wrote",
        )
    try:
        architectures = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures")
    except ValueError as error:
        raise ModelError(
            f"config.json of language model {model!r} is not valid JSON: {error}",
            where=str(folder / "config.json"),
            remedy="copy the folder again",
        ) from error
    if not any(name.endswith(_CAUSAL) for name in architectures or ()):
        raise ModelError(
            f"model {model!r} is no causal language model: its architecture is {architectures}",
            where=str(folder / "config.json"),
            remedy="use a model that writes text, tuned to follow instructions",
        )
    return folder


def language_model_name(model: str) -> str:
    """`<folder>#<fingerprint of its files>`: it changes when what the model writes may change, and only then.

    Raises:
        ModelError: as `locate_language_model`.
    """
    folder = locate_language_model(model)
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        if file.suffix in (".safetensors", ".json", ".jinja", ".model", ".txt"):
            digest.update(file.name.encode() + b"\0" + file_digest(file))
    return f"{folder.resolve().name}#{digest.hexdigest()[:8]}"
