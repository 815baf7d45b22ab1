"""A source more in dbt_project.yml: three entries of text, everything else letter by letter as it was."""

import pytest
import yaml

from dagster_defs.registration import adapter_of, missing_places, read_project, registered, wrong_switches
from python_ml.errors import SettingError

PLACES = ["vars: adapters:", "models: shoal: staging:", "sources: shoal: staging:"]


def with_my_shop(project: str) -> str:
    return registered(
        project, source="my_shop", currency="EUR", time_zone="UTC", tables=["items", "order_lines"]
    )


def test_only_lines_are_added():
    before = read_project().splitlines()
    after = with_my_shop(read_project()).splitlines()
    assert len(after) - len(before) == 8
    place = after.index("    my_shop:")
    entry, left = after[place : place + 4], after[:place] + after[place + 4 :]
    assert entry == [
        "    my_shop:",
        "      currency: EUR",
        "      time_zone: UTC",
        "      tables: [items, order_lines]",
    ]
    assert [line for line in left if "my_shop" not in line] == before


def test_what_dbt_reads_of_it():
    project = with_my_shop(read_project())
    assert missing_places(project, "my_shop") == wrong_switches(project, "my_shop") == []
    adapter = {"currency": "EUR", "time_zone": "UTC", "tables": ["items", "order_lines"]}
    assert adapter_of(project, "my_shop") == adapter
    document = yaml.safe_load(project)
    switch = "{{ var('every_source', var('source', 'complete_journey') == 'my_shop') }}"
    for part in ("models", "sources"):
        assert document[part]["shoal"]["staging"].pop("my_shop") == {"+enabled": switch}
    document["vars"]["adapters"].pop("my_shop")
    assert document == yaml.safe_load(read_project())


def test_never_twice():
    with pytest.raises(SettingError, match="registered already"):
        with_my_shop(with_my_shop(read_project()))


def test_each_missing_place_is_named():
    assert missing_places(read_project(), "my_shop") == PLACES
    assert missing_places(read_project(), "online_retail") == []
    project = read_project().replace("== 'online_retail'", "== 'onlineretail'", 1)
    assert wrong_switches(project, "online_retail") == [PLACES[1]]
    assert adapter_of(project, "my_shop") == {}


def test_a_file_of_another_layout_is_left_alone():
    with pytest.raises(SettingError, match="was not found"):
        with_my_shop("vars: {source: a, adapters: {a: {}}}\n")
