"""`conform`: what a frame may and may not look like before it is written."""

from datetime import date

import polars as pl
import pytest

from dagster_defs.contracts import TableContract, conform, feature_contracts, ml_contracts
from python_ml.errors import ContractError

CONTRACT = TableContract(
    schema="ml",
    table="pets",
    columns={"pet_id": pl.String, "weight_kg": pl.Float64, "legs": pl.Int32, "vector": pl.List(pl.Float32)},
    key=("pet_id",),
    required=frozenset({"pet_id"}),
)


def pets(**changes) -> pl.DataFrame:
    columns = {
        "pet_id": ["a", "b"],
        "weight_kg": [1.5, None],
        "legs": [4, 2],
        "vector": [[1.0, 2.0], [3.0, 4.0]],
    }
    return pl.DataFrame(columns | changes)


def test_order_and_types_become_the_contract_s():
    conformed = conform(pets().select("vector", "legs", "pet_id", "weight_kg"), CONTRACT)
    assert dict(conformed.schema) == CONTRACT.columns
    assert conformed["legs"].to_list() == [4, 2]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pets().drop("legs"), r"missing columns \['legs'\]"),
        (pets(colour=["red", "blue"]), r"\['colour'\] are not in the contract"),
        (pets(pet_id=["a", None]), "1 null values in column 'pet_id'"),
        (pets(pet_id=["a", "a"]), "1 rows repeat a key"),
        (pets(legs=[4.5, 2.0]), "'legs' is Float64, the contract says Int32"),
        (pets(legs=["4", "2"]), "'legs' is String"),
        (pets(legs=[4, 2**40]), "does not fit its type"),
        (pets(pet_id=[date(2017, 1, 1), date(2017, 1, 2)]), "'pet_id' is Date"),
    ],
)
def test_a_broken_frame_is_refused_by_name(frame: pl.DataFrame, said: str):
    with pytest.raises(ContractError, match=said) as caught:
        conform(frame, CONTRACT)
    assert caught.value.where == "table ml.pets"


def test_an_empty_frame_conforms():
    assert conform(pets().clear(), CONTRACT).height == 0


def test_every_written_table_says_its_version_date_and_key():
    for contract in ml_contracts().values():
        assert {"model_version", "as_of_date"} <= contract.columns.keys(), contract.name
        assert contract.key, f"{contract.name} has no uniqueness test"
        assert set(contract.key) <= contract.required, f"{contract.name}: a key column may be null"


def test_every_feature_table_is_point_in_time():
    contracts = feature_contracts()
    assert {"user_features", "item_features", "interactions", "item_texts"} <= contracts.keys()
    for contract in contracts.values():
        assert "as_of_date" in contract.columns, contract.name
