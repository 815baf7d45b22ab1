"""Where a causal language model is, and the name its texts are kept under."""

import hashlib
import json
from functools import cache
from pathlib import Path

from python_ml.errors import ModelError

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json")
_CAUSAL = ("ForCausalLM", "LMHeadModel")


def locate_language_model(model: str) -> Path:
    """The folder of a model, with all that is needed to load it.

    Raises:
        ModelError: it is no folder, lacks a file, or holds another kind of model, whose head would be random.
    """
    folder = Path(model).expanduser()
    missing = [
        what
        for what, present in (
            ("the folder itself", folder.is_dir()),
            ("config.json", (folder / "config.json").is_file()),
            ("*.safetensors", any(folder.glob("*.safetensors"))),
            ("a tokenizer file", any((folder / name).is_file() for name in _TOKENIZER_FILES)),
        )
        if not present
    ]
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
            facts = file.stat()
            digest.update(file.name.encode() + b"\0" + _file_digest(file, facts.st_size, facts.st_mtime_ns))
    return f"{folder.resolve().name}#{digest.hexdigest()[:8]}"


@cache
def _file_digest(path: Path, size: int, changed_ns: int) -> bytes:
    """Weights are large: a file is read once for as long as it stays as it is."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
