"""A simulated shop held in memory, table by table, for the tests."""

from collections.abc import Iterable

import polars as pl

from python_ml.simulator.config import SimulatorConfig
from python_ml.simulator.frames import Piece
from python_ml.simulator.simulate import simulate


def collected(pieces: Iterable[Piece]) -> dict[str, pl.DataFrame]:
    """Every table, its pieces one after the other."""
    found: dict[str, list[pl.DataFrame]] = {}
    for piece in pieces:
        found.setdefault(piece.table, []).append(pl.from_arrow(piece.rows))
    return {table: pl.concat(frames) for table, frames in found.items()}


def shop_of(**settings: object) -> dict[str, pl.DataFrame]:
    return collected(simulate(SimulatorConfig(**settings)))


def clean_lines(shop: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Sales lines of kept orders, each once, typed; what cannot be read is left out."""
    kept = shop["orders"].filter(~pl.col("status").is_in(["cancelled", "test"])).select("order_id")
    return (
        shop["order_lines"]
        .unique(maintain_order=True)
        .filter(kind="sale")
        .join(kept, on="order_id", how="semi", maintain_order="left")
        .with_columns(
            pl.col("quantity").cast(pl.Int64, strict=False),
            pl.col("amount", "shelf_discount", "coupon_discount").cast(pl.Float64, strict=False),
            pl.col("booked_at").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False),
        )
        .drop_nulls(["quantity", "amount", "booked_at"])
        .with_columns(pl.col("booked_at").dt.truncate("1w").cast(pl.Date).alias("week_start_date"))
    )


def clean_views(shop: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Looks at items by people, each once, with the week of the look."""
    bots = shop["truth/visitors"].filter(kind="bot").select("visitor_id")
    return (
        shop["events"]
        .unique("event_id", maintain_order=True)
        .filter(event_type="view")
        .drop_nulls("occurred_at")
        .join(bots, on="visitor_id", how="anti", maintain_order="left")
        .with_columns(pl.col("occurred_at").dt.truncate("1w").cast(pl.Date).alias("week_start_date"))
    )
