"""Texts cut into clauses, in scripts with and without spaces."""

from collections.abc import Sequence

import polars as pl

# Marks that end a clause (a comma or point between digits does not), and words after which another opinion
# begins.
_MARKS = r"[!?;…。！？；，、,.:：~～\n\r]+"
_TURNS = (
    r"\b(?:but|however|although|though|except|mas|porém|porem|pero|aunque|embora|sin embargo)\b"
    r"|但是|但|不过|可是|然而|只是|就是|可惜"
)
# Private characters, which texts come without, stand for marks between digits and for the end of a clause.
_KEPT = {".": "\ue000", ",": "\ue001", ":": "\ue002"}
_END = "\ue003"


def split_clauses(texts: Sequence[str]) -> pl.DataFrame:
    """Cut each text at sentence marks, commas and contrasting conjunctions.

    Args:
        texts: any strings.

    Returns:
        text_row: int64, place of the text; clause: without outer spaces, never empty; in the order they
            stand.
    """
    frame = pl.DataFrame({"clause": list(texts)}, schema={"clause": pl.String}).with_row_index("text_row")
    kept = back = pl.col("clause")
    for mark, private in _KEPT.items():
        kept = kept.str.replace_all(rf"(\d)[{mark}](\d)", f"${{1}}{private}${{2}}")
        back = back.str.replace_all(private, mark, literal=True)
    cut = kept.str.replace_all(_MARKS, _END).str.replace_all(f"(?i){_TURNS}", f"{_END}${{0}}")
    return (
        frame.with_columns(cut.str.split(_END))
        .explode("clause")
        .with_columns(pl.col("text_row").cast(pl.Int64), back.str.strip_chars())
        .filter(pl.col("clause").str.contains(r"[\p{L}\p{N}]"))
    )
