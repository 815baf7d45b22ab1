"""The text of a new source's files."""

from pathlib import Path

from dagster_defs.column_guesses import guess_tables
from dagster_defs.raw_samples import sample_folder
from dagster_defs.shop_contract import shop_contract
from dagster_defs.source_skeleton import sources_yml, views_of

CONTRACT = shop_contract()


def test_a_file_whose_name_alone_is_known_is_drafted_with_its_columns(tmp_path: Path):
    (tmp_path / "order_lines.csv").write_text(
        "订单号;下单时间;金额;收货地址\nA1;2024年3月5日 9:07;1.234,50;somewhere\n", encoding="utf-8"
    )
    samples = sample_folder(tmp_path)
    guesses = guess_tables(samples, CONTRACT)
    assert guesses == []
    (view,) = views_of("made_up", samples, guesses, CONTRACT)
    assert (view.table.name, view.delivered) == ("order_lines", ())
    for line in (
        "-- required: order_id: Order, basket or invoice.",
        """to_utc(read_time_as('"下单时间"', '%Y年%m月%d日 %H:%M'))""",
        "replace(replace(\"金额\", \\'.\\', \\'\\'), \\',\\', \\'.\\')', 'decimal(18, 2)')",
        '        "订单号",\n',
    ):
        assert line in view.sql, view.sql
    assert "收货地址" not in view.sql
    assert "somewhere" not in sources_yml("made_up", samples, guesses)
