"""Text as people read it: no markup, no invisible characters, one spelling for one letter."""

import html

import pyarrow as pa
import pyarrow.compute as pc

# Names of HTML, so that "<3", "<name@shop.com>" and "a <b and c> d" stay.
_TAGS = (
    "a|abbr|address|article|aside|b|big|blockquote|body|br|button|caption|center|cite|code|col"
    "|colgroup|dd|del|details|div|dl|dt|em|embed|fieldset|figcaption|figure|font|footer|form"
    "|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|label|li|link|main|map|mark|meta|nav"
    "|noscript|object|ol|optgroup|option|p|param|picture|pre|q|s|samp|script|section|select|small"
    "|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|textarea|tfoot|th|thead"
    "|time|title|tr|tt|u|ul|var|video|wbr"
)
_MARKUP = (
    r"(?is)<(?:script|style)\b[^<>]*>.*?</(?:script|style)\s*>"
    r"|<!--.*?-->"
    rf"|</?(?:{_TAGS})(?:\s[^<>]*=[^<>]*)?\s*/?>"
)
# Soft hyphen, zero-width space, marks of direction, byte order mark; not the joiners that emoji need.
_INVISIBLE = r"[\x{00AD}\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}\x{2066}-\x{2069}\x{FEFF}]+"
_SPACE = r"[\s\p{Z}\p{Cc}]+"


def clean_texts(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Clean each text.

    HTML entities become characters, tags become spaces, letters take their compatibility form (Unicode NFKC:
    "①" is "1", full-width "Ａ" is "A"), invisible characters go, runs of spaces and control characters become
    one space.

    Args:
        texts: strings; null stays null.

    Returns:
        As many strings; null where nothing is left.
    """
    texts = _unescape(texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts)
    texts = pc.utf8_normalize(texts, form="NFKC")
    texts = pc.replace_substring_regex(texts, pattern=_MARKUP, replacement=" ")
    texts = pc.replace_substring_regex(texts, pattern=_INVISIBLE, replacement="")
    texts = pc.replace_substring_regex(texts, pattern=_SPACE, replacement=" ")
    texts = pc.utf8_trim(texts, characters=" ")
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _unescape(texts: pa.Array) -> pa.Array:
    """Only what has an ampersand is looked at in Python."""
    has_entity = pc.fill_null(pc.match_substring(texts, "&"), False)
    if not pc.any(has_entity).as_py():
        return texts
    unescaped = [html.unescape(text) for text in pc.filter(texts, has_entity).to_pylist()]
    return pc.replace_with_mask(texts, has_entity, pa.array(unescaped, pa.string()))
