"""What pictures of all capabilities share: letters that can be drawn, words where there is no picture."""

import textwrap
import unicodedata
from collections.abc import Sequence

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_OWN_FONT = "DejaVu Sans"
# matplotlib's own font has no Chinese: the first of these that the machine has is used.
_CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",  # all that matplotlib sees of a file that holds the Chinese font too
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "Arial Unicode MS",
)


def readable_labels(labels: Sequence[str], ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Labels that can be drawn, and the fonts to draw them with.

    Where a label has letters that no font of this machine has, the id stands for it: an id can be looked up,
    a row of empty boxes cannot.

    Args:
        labels: to be drawn.
        ids: one per label.

    Returns:
        One label each; font families, in the order they are tried.
    """
    if not any(_has_wide(label) for label in labels):
        return list(labels), [_OWN_FONT]
    have = {font.name for font in font_manager.fontManager.ttflist}
    found = [font for font in _CJK_FONTS if font in have]
    if found:
        return list(labels), [_OWN_FONT, found[0]]
    pairs = zip(labels, ids, strict=True)
    return [own_id if _has_wide(label) else label for label, own_id in pairs], [_OWN_FONT]


def wrap_label(label: str, letters: int) -> str:
    """A label in lines of so many letters at most; two thirds of them where some are wide, as in Chinese."""
    width = letters * 2 // 3 if _has_wide(label) else letters
    return textwrap.fill(label, width, break_on_hyphens=False)


def draw_words(words: str) -> Figure:
    """A small figure of words alone."""
    figure = Figure(figsize=(6, 1.5), layout="constrained")
    return say(figure, figure.subplots(), words)


def say(figure: Figure, axes: Axes, words: str) -> Figure:
    """The figure with words in place of a picture."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, words, ha="center", transform=axes.transAxes)
    return figure


def _has_wide(label: str) -> bool:
    return any(unicodedata.east_asian_width(letter) in "WF" for letter in label)
