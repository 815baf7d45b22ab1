"""The text of a new source's files: its raw tables in YAML, and a view for each table of the contract.

It is the one place in Python that writes SQL, as text for a person to edit in `models/`; nothing here runs
it. What is guessed comes from `column_guesses.py`, files are written by `new_source.py`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dagster_defs.column_guesses import (
    COMPOSABLE,
    READ_TIME,
    Guess,
    best_names,
    is_personal,
    is_utc,
    table_named,
    time_format,
)
from dagster_defs.raw_samples import RawSample, pattern_of
from dagster_defs.shop_contract import ContractColumn, ContractTable

PLACEHOLDER = "Not described yet"
# Words that SQL keeps for itself; a column of that name is written in quotes.
_RESERVED = (
    "all analyse analyze and any array as asc both case cast check collate column constraint create default"
    " desc distinct do else end except false fetch for foreign from grant group having in initially intersect"
    " into lateral leading limit not null offset on only or order primary references returning select some"
    " table then to trailing true union unique user using when where window with"
)
_YAML_WORDS = "y n yes no on off true false null"


@dataclass(frozen=True, slots=True)
class View:
    """One view: the contract's table it fills, its SQL, the columns it delivers; a person adds the others."""

    table: ContractTable
    sql: str
    delivered: tuple[str, ...]

    @property
    def missing(self) -> list[str]:
        return [name for name in self.table.required if name not in self.delivered]


def views_of(
    source: str, samples: Sequence[RawSample], guesses: Sequence[Guess], contract: Mapping[str, ContractTable]
) -> list[View]:
    """A view for each guess, one of items where no file lists them, and what a person must name."""
    by_name = {guess.table.name: guess for guess in guesses}
    views = [
        _view(source, guess, by_name.get("orders")) for guess in guesses if _says_more_than_its_key(guess)
    ]
    lines = by_name.get("order_lines")
    if lines is not None and "item_id" in lines.columns and "items" not in by_name:
        views.append(_items_of_lines(source, lines, contract["items"]))
    nameless = next((sample for sample in samples if not sample.has_header), None)
    if nameless is not None and lines is None:
        views.append(_nameless_view(source, nameless, contract["order_lines"]))
    guessed = [guess.sample for guess in guesses]
    for sample in samples:
        # The columns say nothing, as in a language that is not known here, but the file's name does.
        name = table_named(sample)
        taken = {view.table.name for view in views}
        if name is not None and name not in taken and sample.has_header and sample not in guessed:
            views.append(_nameless_view(source, sample, contract[name]))
    return [view for name in contract for view in views if view.table.name == name]


def sources_yml(source: str, samples: Sequence[RawSample], guesses: Sequence[Guess]) -> str:
    """The YAML of the raw tables."""
    lines = [
        "version: 2",
        "",
        "sources:",
        f"  - name: {source}",
        f'    description: "{PLACEHOLDER}: what these files are, of which shop, from when to when."',
        f"    schema: {source}",
        "    tables:",
    ]
    log = _log_of_events(guesses)
    for sample in samples:
        lines += ["", *_raw_table(source, sample, log)]
    return "\n".join(lines) + "\n"


def models_yml(source: str, views: Iterable[View]) -> str:
    """The YAML of the views, described as the contract describes them."""
    lines = ["version: 2", "", "models:"]
    for view in views:
        lines += [
            f"  - name: stg_{source}__{view.table.name}",
            f"    description: {_scalar(view.table.description)}",
        ]
        lines += ["    columns:" if view.delivered else "    # columns:"]
        for column in view.table.columns.values():
            mark = "" if column.name in view.delivered else "# "
            lines += [
                f"      {mark}- name: {column.name}",
                f"      {mark}  description: {_scalar(column.description)}",
            ]
        lines += [""]
    return "\n".join(lines).rstrip() + "\n"


def identifier(name: str) -> str:
    """A raw column's name in SQL: quoted only where it must be."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in _RESERVED.split()
    return name.lower() if plain else '"' + name.replace('"', '""') + '"'


def expression(sample: RawSample, raw: str, column: ContractColumn, name: str | None = None) -> str:
    """SQL that gives a contract column from a raw one; a value that cannot be read becomes null.

    Args:
        sample, raw: the raw table and its column.
        column: what it becomes.
        name: what the raw column is called in SQL, where that is not its own name.
    """
    written = name or identifier(raw)
    kind, values = sample.columns.get(raw, "varchar"), sample.values.get(raw, [])
    wanted = column.data_type.split("(")[0]
    if wanted == "varchar":
        return _text(written, kind, values, column.name)
    if wanted in ("timestamp", "date"):
        return _time(written, kind, values, wanted)
    if kind != "varchar":
        return f"cast({written} as {column.data_type})"
    number = written if wanted == "boolean" else _number_text(written, values)
    return f"{{{{ try_to_cast({_jinja(number)}, '{column.data_type}') }}}}"


def _text(written: str, kind: str, values: Iterable[str], column: str) -> str:
    if kind != "varchar":
        return f"cast({written} as {{{{ dbt.type_string() }}}})"
    if column == "postal_prefix":
        return f"nullif(left(trim({written}), 2), '')"
    present = [value for value in values if value]
    if present and all(re.fullmatch(r"\d+\.0", value) for value in present):
        return f"nullif({{{{ replace_pattern({_jinja(f'trim({written})')}, '[.]0$', '') }}}}, '')"
    return f"nullif(trim({written}), '')"


def _time(written: str, kind: str, values: Sequence[str], wanted: str) -> str:
    how = time_format(values) or READ_TIME[0]
    known = f"read_time({_jinja(written)})"
    read = known if how in READ_TIME else f"read_time_as({_jinja(written)}, '{how}')"
    if kind != "varchar":
        read = _jinja(written)
    if wanted == "date":
        return f"cast({written if kind != 'varchar' else '{{ ' + read + ' }}'} as date)"
    if how.startswith("unix") or is_utc(values):
        return f"{{{{ {read} }}}}"
    return f"{{{{ to_utc({read}) }}}}"


def _number_text(written: str, values: Iterable[str]) -> str:
    """The number without thousands separators and currency signs, with a decimal point."""
    present = [value for value in values if value]
    if any(re.search(r",\d{1,2}$", value) for value in present):
        written = f"replace(replace({written}, '.', ''), ',', '.')"
    elif any("," in value for value in present):
        written = f"replace({written}, ',', '')"
    if any(re.search(r"[^\d.,\s-]", value) for value in present):
        written = f"regexp_replace({written}, '[^0-9.-]', '', 'g')"
    return written


def _view(source: str, guess: Guess, orders: Guess | None) -> View:
    """Import, join with the orders where the lines lack what stands there, number the copies, rename."""
    sample, table = guess.sample, guess.table
    read = _read_columns(sample)
    ctes = [_import(source, sample, read)]
    current, names = sample.name, {column: identifier(raw) for column, raw in guess.columns.items()}
    origin = {column: (sample, raw) for column, raw in guess.columns.items()}
    borrowed = _borrowed(guess, orders)
    if borrowed and orders is not None:
        current, ctes = _joined(source, guess, orders, borrowed, ctes)
        for column, raw in borrowed.items():
            names[column] = _borrowed_name(sample, orders.sample, raw)
            origin[column] = (orders.sample, raw)
    expressions = {
        column: expression(*origin[column], table.columns[column], names[column]) for column in names
    }
    if guess.price is not None and "quantity" in guess.columns:
        expressions["sales_amount"] = _amount(sample, guess)
    for key in COMPOSABLE:
        if key in table.columns and key not in expressions:
            expressions[key] = f"{{{{ generate_surrogate_key({_jinja_list(map(identifier, read))}) }}}}"
    all_raw = ", ".join(map(identifier, read))
    if "copy_number" in table.columns:
        ctes.append(_copies(current, all_raw))
        current = "copies_numbered"
        expressions["copy_number"] = "copy_number"
    if "line_number" in table.columns and {"order_id", "item_id"} <= set(expressions):
        keys = f"{expressions['order_id']}, {expressions['item_id']}"
        expressions["line_number"] = _window(f"partition by {keys}", f"order by {all_raw}, copy_number", 8)
    ctes.append(_renamed(current, table, expressions))
    return _finished(table, ctes, [name for name in table.columns if name in expressions])


def _borrowed(guess: Guess, orders: Guess | None) -> dict[str, str]:
    """What the lines of an order lack and the raw table of the orders has: the user, the time."""
    if guess.table.name != "order_lines" or orders is None or orders.sample is guess.sample:
        return {}
    if "order_id" not in guess.columns or "order_id" not in orders.columns:
        return {}
    wanted = [name for name in ("user_id", "store_id", "ordered_at") if name not in guess.columns]
    return best_names(orders.sample, wanted)


def _borrowed_name(sample: RawSample, orders: RawSample, raw: str) -> str:
    return (
        f"{orders.name}_{identifier(raw)}"
        if raw.lower() in map(str.lower, sample.columns)
        else identifier(raw)
    )


def _joined(
    source: str, guess: Guess, orders: Guess, borrowed: Mapping[str, str], ctes: list[str]
) -> tuple[str, list[str]]:
    sample, header = guess.sample, orders.sample
    key, line_key = orders.columns["order_id"], guess.columns["order_id"]
    name = f"{sample.name}_joined_to_{header.name}"
    columns = [f"        {sample.name}.*"]
    for raw in borrowed.values():
        alias, written = _borrowed_name(sample, header, raw), identifier(raw)
        columns.append(f"        {header.name}.{written}" + (f" as {alias}" if alias != written else ""))
    on = f"{sample.name}.{identifier(line_key)} = {header.name}.{identifier(key)}"
    joined = (
        f"-- An order that stands twice in {header.name} would double its lines.\n"
        f"{name} as (\n    select\n" + ",\n".join(columns) + f"\n    from {sample.name}\n"
        f"    left join {header.name} on {on}\n)"
    )
    return name, [*ctes, _import(source, header, [key, *borrowed.values()]), joined]


def _amount(sample: RawSample, guess: Guess) -> str:
    def number(raw: str, data_type: str) -> str:
        if sample.columns[raw] != "varchar":
            return f"cast({identifier(raw)} as {data_type})"
        text = _number_text(identifier(raw), sample.values[raw])
        return f"{{{{ try_to_cast({_jinja(text)}, '{data_type}') }}}}"

    pieces, price = number(guess.columns["quantity"], "bigint"), number(guess.price, "decimal(18, 4)")
    return f"cast(round({pieces} * {price}, 2) as decimal(18, 2))"


def _items_of_lines(source: str, lines: Guess, table: ContractTable) -> View:
    """A shop without a product list: its items are those on the lines."""
    sample, item = lines.sample, lines.columns["item_id"]
    named = best_names(sample, ["item_id", "title"])
    title = named.get("title")
    columns = {"item_id": expression(sample, item, table.columns["item_id"])}
    title_sql = "cast(null as {{ dbt.type_string() }})"
    if title is not None:
        columns["title"] = expression(sample, title, table.columns["title"])
        title_sql = "max(title)"
    read = [raw for raw in _read_columns(sample) if raw in (item, title)]
    written = ",\n".join(f"        {sql} as {name}" for name, sql in columns.items())
    typed = f"lines_typed as (\n    select\n{written}\n    from {sample.name}\n)"
    grouped = (
        "items_grouped as (\n    select\n        item_id,\n"
        f"        {title_sql} as title,\n"
        f"        {'max(title) is not null' if title else 'false'} as is_described\n"
        "    from lines_typed\n    where item_id is not null\n    group by item_id\n)"
    )
    ctes = [_import(source, sample, read), typed, grouped]
    return _finished(
        table,
        ctes,
        ["item_id", "title", "is_described"],
        "No file lists the items, so they are made of the lines.",
    )


def _nameless_view(source: str, sample: RawSample, table: ContractTable) -> View:
    """A view whose fields a person must name: cut by position, column_1 and so on, or names unknown here."""
    read = _read_columns(sample)
    ctes = [_import(source, sample, read)]
    current, fields = sample.name, {identifier(name): sample.values[name] for name in read}
    if sample.cuts:
        fields = {
            f"field_{n}": [line[begin - 1 : begin - 1 + length].strip() for line in sample.values["line"]]
            for n, (begin, length) in enumerate(sample.cuts, start=1)
        }
        cuts = ",\n".join(
            f"        trim(substring(line, {begin}, {length})) as {name}"
            for name, (begin, length) in zip(fields, sample.cuts, strict=True)
        )
        ctes.append(f"fields_cut as (\n    select\n{cuts}\n    from {sample.name}\n)")
        current = "fields_cut"
    hints = [_hint(name, values) for name, values in fields.items()]
    columns = sorted(table.columns.values(), key=lambda column: not column.is_required)
    wanted = [_unfilled(column) for column in columns]
    known = "The names of this file are not known here" if sample.has_header else "This file has no names"
    example = (
        f"        -- {known}. Look at its first lines and give each field below the\n"
        "        -- name and type that the contract has for it, or leave it out; number what may repeat\n"
        "        -- (line_number, copy_number).\n"
        f"        --     nullif({next(iter(fields))}, '') as {columns[0].name},"
    )
    named = ",\n".join(f"{hint}        {name}" for hint, name in zip(hints, fields, strict=True))
    ctes.append(
        "renamed as (\n    select\n" + "\n".join([example, *wanted, named]) + f"\n    from {current}\n)"
    )
    return _finished(table, ctes, [])


def _hint(name: str, values: Sequence[str]) -> str:
    """What the values of a nameless field look like, as the expression that would read them."""
    how, present = time_format(values), [value for value in values if value]
    if how is not None:
        read = f"read_time('{name}')" if how in READ_TIME else f"read_time_as('{name}', '{how}')"
        return f"        -- a time, in double braces: to_utc({read})\n"
    if present and all(re.fullmatch(r"-?\d[\d.,]*[.,]\d+", value) for value in present):
        number = _jinja(_number_text(name, present))
        return (
            f"        -- decimals, perhaps money, in double braces: try_to_cast({number}, 'decimal(18, 2)')\n"
        )
    if present and all(re.fullmatch(r"-?\d+", value) for value in present):
        return f"        -- whole numbers: an id, or in double braces try_to_cast('{name}', 'bigint')\n"
    return ""


def _says_more_than_its_key(guess: Guess) -> bool:
    """A raw table of orders often holds nothing but who and when, which goes to the order lines."""
    return guess.table.name != "orders" or len(guess.columns) > 1


def _read_columns(sample: RawSample) -> list[str]:
    return [raw for raw in sample.columns if not is_personal(raw)]


def _import(source: str, sample: RawSample, raw_columns: Iterable[str]) -> str:
    names = [identifier(raw) for raw in dict.fromkeys(raw_columns)]
    selected = f"select {names[0]}" if len(names) == 1 else "select\n        " + ",\n        ".join(names)
    raw_table = f"{{{{ source('{source}', '{sample.name}') }}}}"
    return f"{sample.name} as (\n    {selected}\n    from {raw_table}\n)"


def _copies(current: str, all_raw: str) -> str:
    window = _window(f"partition by {all_raw}", f"order by {all_raw.split(', ')[0]}", 8)
    return (
        "-- Of rows equal in everything, core keeps the first; the others are exact_duplicate.\n"
        f"copies_numbered as (\n    select\n        *,\n        {window} as copy_number\n"
        f"    from {current}\n)"
    )


def _window(partition: str, order: str, indent: int) -> str:
    pad = " " * indent
    return f"row_number() over (\n{pad}    {partition}\n{pad}    {order}\n{pad})"


def _renamed(current: str, table: ContractTable, expressions: Mapping[str, str]) -> str:
    """The contract's columns in its order; what is not known stands as a comment where it belongs."""
    given = [name for name in table.columns if name in expressions]
    lines = []
    for column in table.columns.values():
        if column.name in expressions:
            comma = "," if column.name != given[-1] else ""
            sql = expressions[column.name]
            alias = "" if sql == column.name else f" as {column.name}"
            lines.append(f"        {sql}{alias}{comma}")
        else:
            lines.append(_unfilled(column))
    return "renamed as (\n    select\n" + "\n".join(lines) + f"\n    from {current}\n)"


def _unfilled(column: ContractColumn) -> str:
    kind = "required" if column.is_required else "optional"
    return f"        -- {kind}: {column.name}: {column.description}"


def _finished(table: ContractTable, ctes: Sequence[str], delivered: Sequence[str], note: str = "") -> View:
    head = f"-- {table.description}\n" + (f"-- {note}\n" if note else "")
    last = re.findall(r"^(\w+) as \(", ctes[-1], re.M)[-1]
    sql = "\n\n".join([f"{head}with", ",\n\n".join(ctes), " ".join(["select *", "from", last])]) + "\n"
    return View(table, sql, tuple(delivered))


def _log_of_events(guesses: Sequence[Guess]) -> dict[str, str]:
    """The raw table that logs what happened, and its column with the time."""
    by_name = {guess.table.name: guess for guess in guesses}
    for table, column in (("order_lines", "ordered_at"), ("orders", "ordered_at"), ("events", "occurred_at")):
        guess = by_name.get(table)
        if guess is not None:
            raw = guess.columns.get(column) or best_names(guess.sample, [column]).get(column)
            if raw is not None:
                return {guess.sample.name: raw}
    return {}


def _raw_table(source: str, sample: RawSample, log: Mapping[str, str]) -> list[str]:
    lines = [
        f"      - name: {sample.name}",
        f'        description: "One row per line of {", ".join(path.name for path in sample.paths[:3])}."',
        "        config:",
    ]
    if sample.name in log:
        lines.append(f"          loaded_at_field: {json.dumps(_loaded_at(sample, log[sample.name]))}")
    lines += [
        "          meta:",
        f"            file: {json.dumps(pattern_of(sample))}",
        f"            format: {_format(sample)}",
    ]
    if sample.name in log and _format(sample) != "text":
        lines.append(f"            event_time: {_scalar(log[sample.name])}")
    lines += ["            external_location: >-", *_location(source, sample)]
    personal = [raw for raw in sample.columns if is_personal(raw)]
    if personal:
        lines.append(
            f"        # Left out, because nothing here needs names and addresses: {', '.join(personal)}."
        )
    lines.append("        columns:")
    for raw in _read_columns(sample):
        lines += [
            f"          - name: {_scalar(raw)}",
            f"            data_type: {sample.columns[raw]}",
            f'            description: "{PLACEHOLDER}: {_quoted(raw)} of {sample.name}."',
        ]
    return lines


def _format(sample: RawSample) -> str:
    """As in `raw_formats.FORMATS`: what is cut otherwise than by commas, or has no names, is text."""
    if sample.file_format == "lines" or (
        sample.file_format == "csv" and not (sample.has_header and sample.delimiter == ",")
    ):
        return "text"
    return sample.file_format


def _loaded_at(sample: RawSample, raw: str) -> str:
    written, how = identifier(raw), time_format(sample.values[raw])
    if sample.columns[raw] != "varchar":
        return written
    if how is None or how == "iso":
        return f"try_cast({written} as timestamp)"
    if how.startswith("unix"):
        scale = "1000 * " if how == "unix_seconds" else ""
        return f"epoch_ms({scale}try_cast({written} as bigint))"
    return f"try_strptime({written}, '{how}')"


def _location(source: str, sample: RawSample) -> list[str]:
    """How DuckDB reads the files; in YAML, `{file}` stands for `meta: file`."""
    pad = " " * 14
    place = f"'{{{{ env_var('SHOAL_DATA', 'var/raw/{source}') }}}}/{{file}}'"
    if sample.file_format == "parquet":
        return [f"{pad}{place[1:-1]}"]
    if sample.file_format == "jsonl":
        fields = ", ".join(f"{identifier(raw)} := 'varchar'" for raw in _read_columns(sample))
        return [
            f"{pad}read_json({place}, format = 'newline_delimited',",
            f"{pad}columns = struct_pack({fields}))",
        ]
    if sample.file_format == "lines":
        # Parted by a character that no text has, so that a line is one column whatever is in it.
        return [
            f"{pad}read_csv({place}, header = false, auto_detect = false, quote = '', escape = '',",
            f"{pad}delim = chr(1), columns = struct_pack(line := 'varchar'))",
        ]
    delimiter = "chr(9)" if sample.delimiter == "\t" else f"'{sample.delimiter}'"
    how = f"all_varchar = true, delim = {delimiter}, quote = '\"', escape = '\"'"
    if sample.has_header:
        return [f"{pad}read_csv({place}, header = true, union_by_name = true,", f"{pad}{how})"]
    names = ", ".join(f"'{name}'" for name in sample.columns)
    return [f"{pad}read_csv({place}, header = false, {how},", f"{pad}names = [{names}])"]


def _jinja(text: str) -> str:
    """A string in Jinja, in the quotes that it has none of."""
    if "'" not in text:
        return f"'{text}'"
    return f'"{text}"' if '"' not in text else "'" + text.replace("'", "\\'") + "'"


def _jinja_list(texts: Iterable[str]) -> str:
    return "[" + ", ".join(map(_jinja, texts)) + "]"


def _scalar(text: str) -> str:
    """A string in YAML: as it is where that is a string too."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_ .,;'/-]*", text) and text.lower() not in _YAML_WORDS.split()
    return text if plain and not text.endswith(" ") else json.dumps(text, ensure_ascii=False)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
