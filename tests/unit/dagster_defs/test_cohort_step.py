"""What the step of cohorts shows in the UI."""

from datetime import date

import polars as pl

from dagster_defs.ml_assets.cohorts import _show_moves
from python_ml.cohorts.history import CHANGES_SCHEMA, LOG_SCHEMA, record, record_changes


def test_moves_are_a_picture_and_a_table():
    log, changes = pl.DataFrame(schema=LOG_SCHEMA), pl.DataFrame(schema=CHANGES_SCHEMA)
    days = {date(2024, 3, 1): ["c1", "c1", "c2"], date(2024, 3, 8): ["c1", "c2", "c2"]}
    for day, cohort_ids in days.items():
        members = pl.DataFrame({"user_id": ["a", "b", "c"], "cohort_id": cohort_ids})
        cohorts = pl.DataFrame(
            {"cohort_id": ["c1", "c2"], "cohort_name": ["Regulars", "Lapsing"], "cohort_method": ["m", "m"]}
        )
        log = record(log, members, day, changes["changed_on"].unique())
        changes = record_changes(changes, cohorts, log, day)
    shown = _show_moves(log, changes, date(2024, 3, 8))
    assert shown["moves"].value.startswith("![](data:image/png;base64,")
    # b was one of two regulars.
    assert shown["largest moves"].value.splitlines()[2:] == ["| Regulars | Lapsing | 1 | 0.5000 |"]
