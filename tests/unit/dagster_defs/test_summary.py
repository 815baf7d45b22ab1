"""What the summary says of a source beside its numbers."""

from dagster_defs.summary import notes_of_source


def test_a_note_is_told_once_and_a_source_without_one_says_nothing():
    inferred = {"source_meta": {"note": "orders are inferred"}}
    assert notes_of_source({"sources": {"a": inferred, "b": inferred, "ml": {"source_meta": {}}}}) == [
        "orders are inferred"
    ]
    assert notes_of_source({"sources": {"ml": {"source_meta": {}}}}) == []
