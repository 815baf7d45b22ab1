"""What a person sees of a run's log."""

import logging
from types import SimpleNamespace

import dagster as dg

from dagster_defs.console import ConsoleHandler


def record(level: int = logging.INFO, **meta) -> logging.LogRecord:
    made = logging.LogRecord("dagster", level, "file", 1, "raw message", None, None)
    made.dagster_meta = meta
    return made


def event(kind: str, **data) -> SimpleNamespace:
    return SimpleNamespace(event_type_value=kind, **data)


def shown(handler: ConsoleHandler, made: logging.LogRecord, capsys) -> str:
    handler.emit(made)
    return capsys.readouterr().err[7:].strip()


def test_finished_tables_are_counted(capsys):
    handler = ConsoleHandler(total=2)
    done = event("ASSET_MATERIALIZATION", asset_key=dg.AssetKey(["core", "users"]))
    assert shown(handler, record(logging.DEBUG, dagster_event=done), capsys).endswith("[  1/2] core.users")
    assert shown(handler, record(logging.DEBUG, dagster_event=done), capsys).endswith("[  2/2] core.users")


def test_failed_checks_show_and_passed_ones_do_not(capsys):
    def check(passed: bool, severity: dg.AssetCheckSeverity):
        data = SimpleNamespace(
            passed=passed, severity=severity, check_name="keys", asset_key=dg.AssetKey(["ml", "user_cohorts"])
        )
        return record(logging.DEBUG, dagster_event=event("ASSET_CHECK_EVALUATION", event_specific_data=data))

    handler = ConsoleHandler(total=1)
    assert shown(handler, check(True, dg.AssetCheckSeverity.ERROR), capsys) == ""
    assert "FAILED: check keys on ml.user_cohorts" in shown(
        handler, check(False, dg.AssetCheckSeverity.ERROR), capsys
    )
    assert "warning: check keys" in shown(handler, check(False, dg.AssetCheckSeverity.WARN), capsys)


def test_words_of_ours_show_and_dbt_s_own_do_not(capsys):
    handler = ConsoleHandler(total=1)
    assert shown(handler, record(orig_message="3 texts embedded"), capsys).endswith("3 texts embedded")
    assert shown(handler, record(orig_message="Running dbt command: `dbt build`."), capsys) == ""
    assert shown(handler, record(logging.DEBUG, orig_message="detail"), capsys) == ""
