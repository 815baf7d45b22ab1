"""The key of the pseudonyms: where it comes from, and what a shop's own ids are called under it.

    python -m dagster_defs.pseudonyms < ids.txt

prints each id of a file, a line each, with its pseudonym, so that a shop can find its customers again.
"""

import os
import secrets
import sys
from pathlib import Path

from dagster_defs.settings import KEY_VARIABLE, MIN_KEY_LENGTH, Settings, load_settings
from python_ml.errors import SettingError, ShoalError
from python_ml.privacy.pseudonym import pseudonym


def load_key(settings: Settings) -> bytes:
    """The key from the environment, or else this installation's own, which is made when it is first needed.

    Raises:
        SettingError: the installation's key file is not whole.
    """
    return (settings.pseudonym_key or _key_of_installation(settings.key_file)).encode()


def key_warning(settings: Settings) -> str | None:
    """What to tell whoever runs without a key of their own; None when the environment has one."""
    if settings.pseudonym_key is not None:
        return None
    return (
        f"WARNING: {KEY_VARIABLE} is not set, so ids are hashed with the random key of this installation,\n"
        f"  {settings.key_file}\n"
        "  Keep a copy of it in a safe place: without it every user gets a new id. Show it to nobody who\n"
        "  reads the tables: with it they can find out who is who. To be rid of this warning, put what is\n"
        f"  in that file (or another secret of {MIN_KEY_LENGTH} characters or more) into {KEY_VARIABLE}."
    )


def _key_of_installation(file: Path) -> str:
    if not file.exists():
        _make_key(file)
    key = file.read_text(encoding="utf-8").strip()
    if len(key) < MIN_KEY_LENGTH:
        raise SettingError(
            f"the key that hashes ids has {len(key)} characters, fewer than {MIN_KEY_LENGTH}",
            where=str(file),
            remedy="put your copy of the file back, or delete it and build everything anew with a new key",
        )
    return key


def _make_key(file: Path) -> None:
    """Write 256 random bits, readable by the owner alone; of two processes the first one's stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(secrets.token_hex(32) + "\n")
    try:
        os.link(fresh, file)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def main() -> int:
    """Ids on standard input, id and pseudonym with a tab between on standard output."""
    try:
        key = load_key(load_settings())
    except ShoalError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for line in sys.stdin:
        raw_id = line.rstrip("\r\n")
        sys.stdout.write(f"{raw_id}\t{pseudonym(key, raw_id)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
