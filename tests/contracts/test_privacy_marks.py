"""The shop contract marks every column that could hold a person's id, words or whereabouts."""

import pytest

PSEUDONYMS = {
    *("user_id", "visitor_id", "session_id", "conversation_id"),
    # Keys that sources make of a user, an item and a time: unkeyed, they could be guessed back.
    *("event_key", "review_id", "message_id"),
}
MASKED = {
    *("events.query", "reviews.title", "reviews.body"),
    *("support_messages.subject", "support_messages.body"),
}
COARSENED = {"latitude", "longitude"}
MARKS = {"pseudonym", "masked", "cleaned", "coarsened"}


@pytest.fixture(scope="module")
def columns(manifest: dict) -> dict[str, dict]:
    """Metadata of every column of the shop contract, by "entity.column"."""
    return {
        f"{node['name'].removeprefix('stg_shop__')}.{name}": column["config"]["meta"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"].startswith("stg_shop__")
        for name, column in node["columns"].items()
    }


def test_ids_of_people_are_pseudonyms(columns: dict[str, dict]):
    marked = {path for path, meta in columns.items() if meta.get("pseudonym")}
    assert marked == {path for path in columns if path.split(".")[1] in PSEUDONYMS}


def test_what_people_wrote_is_masked(columns: dict[str, dict]):
    assert {path for path, meta in columns.items() if meta.get("masked")} == MASKED


def test_coordinates_are_coarsened(columns: dict[str, dict]):
    marked = {path for path, meta in columns.items() if meta.get("coarsened")}
    assert marked == {path for path in columns if path.split(".")[1] in COARSENED}


def test_no_column_has_two_marks_or_an_unknown_one(columns: dict[str, dict]):
    for path, meta in columns.items():
        assert len(MARKS & meta.keys()) <= 1, path
        assert meta.keys() <= MARKS | {"required", "default"}, path


def test_models_with_ids_test_them(manifest: dict):
    tested = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if (node.get("test_metadata") or {}).get("name") == "pseudonyms_are_hashed"
    }
    with_ids = {
        node["unique_id"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and any(column["config"]["meta"].get("pseudonym") for column in node["columns"].values())
    }
    assert tested == with_ids
