"""The run's log on a terminal: one line a finished table, failed test or piece of progress."""

import logging
import sys
import time

import dagster as dg

# What dagster-dbt says of its own doings; run.log and the UI keep it.
DBT_TALK = (
    "A dbt subsetted execution",
    "Logging an `AssetObservation`",
    "Copying `",
    "Running dbt command",
    "Finished dbt command",
)


class ConsoleHandler(logging.Handler):
    """Writes what a person wants to follow, and nothing else, to standard error."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self.total = total
        self.finished = 0
        self.started = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        line = self._line(record)
        if line is not None:
            sys.stderr.write(f"{time.monotonic() - self.started:6.0f} s  {line}\n")
            sys.stderr.flush()

    def _line(self, record: logging.LogRecord) -> str | None:
        meta = getattr(record, "dagster_meta", {})
        if meta.get("dagster_event") is not None:
            return self._event_line(meta["dagster_event"])
        message = meta.get("orig_message", record.getMessage())
        is_talk = record.levelno < logging.INFO or message.startswith(DBT_TALK)
        return None if is_talk else f"           {message}"

    def _event_line(self, event: dg.DagsterEvent) -> str | None:
        if event.event_type_value == "ASSET_MATERIALIZATION":
            self.finished += 1
            return f"[{self.finished:>3}/{self.total}] {'.'.join(event.asset_key.path)}"
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            check = event.event_specific_data
            if check.passed:
                return None
            kind = "warning" if check.severity == dg.AssetCheckSeverity.WARN else "FAILED"
            return f"           {kind}: check {check.check_name} on {'.'.join(check.asset_key.path)}"
        if event.event_type_value == "STEP_UP_FOR_RETRY":
            return f"           {event.step_key}: trying again"
        return None


@dg.logger(description="One line a finished table, failed check or piece of progress.")
def console_logger(context: dg.InitLoggerContext) -> logging.Logger:
    total = len(context.job_def.asset_layer.executable_asset_keys) if context.job_def else 0
    logger = logging.getLogger("shoal.console")
    logger.setLevel(logging.DEBUG)  # Dagster logs its events, finished tables among them, as DEBUG
    logger.propagate = False
    logger.handlers = [ConsoleHandler(total)]
    return logger
