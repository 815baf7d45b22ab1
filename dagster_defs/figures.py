"""Matplotlib figures as asset metadata that the UI shows inline."""

import base64
import io

import dagster as dg
from matplotlib.figure import Figure


def as_metadata(figure: Figure) -> dg.MarkdownMetadataValue:
    """The figure as a PNG inside markdown."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return dg.MetadataValue.md(f"![](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})")
