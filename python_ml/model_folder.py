"""A folder that holds a transformers model: whether it is whole, and a fingerprint of its files."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path


def missing_parts(folder: Path, tokenizer_files: Sequence[str]) -> list[str]:
    """What `transformers` needs and the folder lacks, in words; empty where it is whole.

    Args:
        folder: any path.
        tokenizer_files: names of which one must be there.
    """
    parts = (
        ("the folder itself", folder.is_dir()),
        ("config.json", (folder / "config.json").is_file()),
        ("*.safetensors", any(folder.glob("*.safetensors"))),
        ("a tokenizer file", any((folder / name).is_file() for name in tokenizer_files)),
    )
    return [what for what, present in parts if not present]


def file_digest(path: Path) -> bytes:
    """SHA-256 of a file. Weights are large: it is read once for as long as it stays as it is."""
    facts = path.stat()
    return _digest_as_of(path, facts.st_size, facts.st_mtime_ns)


@cache
def _digest_as_of(path: Path, size: int, changed_ns: int) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
