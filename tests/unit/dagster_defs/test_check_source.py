"""What check-source says of a project that dbt cannot read."""

from dagster_defs.check_source import _without_content


def test_dbt_names_the_file_and_the_fault_without_all_that_is_in_the_file():
    said = (
        "Parsing Error\n  Invalid sources config given in models/staging/a/_a__sources.yml"
        " @ sources: {'name': 'a',\n 'tables': [{'name': None}]}"
        " - at path ['tables'][0]['name']: None is not of type 'string'"
    )
    assert _without_content(said) == (
        "Parsing Error\n  Invalid sources config given in models/staging/a/_a__sources.yml"
        " - at path ['tables'][0]['name']: None is not of type 'string'"
    )
    assert _without_content("another error") == "another error"
