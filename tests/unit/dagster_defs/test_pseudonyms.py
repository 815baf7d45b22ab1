"""The key of the pseudonyms: from the environment, or made once; never short, never shown."""

import dataclasses
import io
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dagster_defs import pseudonyms
from dagster_defs.pseudonyms import key_warning, load_key
from dagster_defs.settings import Settings, load_settings
from python_ml.errors import SettingError
from python_ml.privacy.pseudonym import pseudonym

SECRET = "a secret that is long enough to be one"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"SHOAL_VAR": str(tmp_path / "var")})


def test_the_environment_goes_first(tmp_path: Path):
    settings = load_settings({"SHOAL_VAR": str(tmp_path), "SHOAL_PSEUDONYM_KEY": f"{SECRET}\n"})
    assert load_key(settings) == SECRET.encode()
    assert key_warning(settings) is None
    assert not settings.key_file.exists()


@pytest.mark.parametrize("text", ["", "   ", "short", "x" * 31])
def test_a_short_or_empty_key_is_refused(text: str):
    with pytest.raises(SettingError, match=f"has {len(text.strip())} characters") as caught:
        load_settings({"SHOAL_PSEUDONYM_KEY": text})
    assert text.strip() == "" or text not in str(caught.value)


def test_an_installation_gets_one_random_key(settings: Settings, tmp_path: Path):
    key = load_key(settings)
    assert len(bytes.fromhex(key.decode())) == 32
    assert load_key(settings) == key
    assert stat.S_IMODE(settings.key_file.stat().st_mode) == 0o600
    assert [path.name for path in settings.var.iterdir()] == ["pseudonym.key"]
    other = dataclasses.replace(settings, var=tmp_path / "other")
    assert load_key(other) != key


def test_the_file_and_the_variable_are_one_key(settings: Settings):
    key = load_key(settings)
    in_the_environment = load_settings({"SHOAL_PSEUDONYM_KEY": settings.key_file.read_text()})
    assert load_key(in_the_environment) == key


def test_many_at_once_agree_on_one_key(settings: Settings):
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: load_key(settings), range(64)))
    assert len(keys) == 1


def test_a_broken_file_is_named(settings: Settings):
    load_key(settings)
    settings.key_file.write_text("cut o")
    with pytest.raises(SettingError, match="5 characters") as caught:
        load_key(settings)
    assert str(settings.key_file) in str(caught.value)
    assert "cut o" not in str(caught.value)


def test_the_warning_names_the_file_and_the_remedy(settings: Settings):
    warning = key_warning(settings)
    assert str(settings.key_file) in warning
    assert "SHOAL_PSEUDONYM_KEY" in warning
    key = load_key(settings).decode()
    assert key not in key_warning(settings)


def test_settings_never_show_the_key():
    settings = load_settings({"SHOAL_PSEUDONYM_KEY": SECRET})
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)


def test_a_shop_finds_its_ids_again(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    monkeypatch.setenv("SHOAL_PSEUDONYM_KEY", SECRET)
    monkeypatch.setattr(sys, "stdin", io.StringIO("17850\r\nkäthe\n"))
    assert pseudonyms.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{raw_id}\t{pseudonym(SECRET.encode(), raw_id)}" for raw_id in ("17850", "käthe")]


def test_the_finder_refuses_a_bad_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    monkeypatch.setenv("SHOAL_PSEUDONYM_KEY", "short")
    assert pseudonyms.main() == 1
    assert "5 characters" in capsys.readouterr().err
