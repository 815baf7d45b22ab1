"""Masks in free text for what names a person: e-mails, phones, cards, identity numbers and the like.

Patterns with checks, for English and Chinese texts first. They leave ordinary numbers alone (sizes, prices,
dates, order numbers), so a number that could be anything stays unless a word such as "call" stands before it.
Names of people are not found: no pattern tells "Rose" from "rose".
"""

import re
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

# Letters of scripts that put no space between words end a word of another script.
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = rf"(?:(?![{_CJK}])[\w.%+'-])"
_DOMAIN = r"(?:[a-z0-9-]+\.)+[a-z]{2,24}(?![a-z0-9])"
_AT = r"\s?(?:[\[({<]\s?at\s?[\])}>])\s?"
_DOT = r"(?:\.|\s?[\[({<]\s?dot\s?[\])}>]\s?|\sdot\s)"
_MAILERS = (
    r"(?:gmail|googlemail|hotmail|outlook|yahoo|icloud|live|msn|aol|proton(?:mail)?|qq|163|126|sina|foxmail)"
)
_EMAIL = re.compile(rf"(?:mailto:)?{_WORD}+(?:@\s?|\s@\s?){_DOMAIN}", re.I)
_AT_SPELLED_OUT = re.compile(rf"{_AT}|\sat\s{_MAILERS}", re.I)
_EMAIL_SPELLED_OUT = re.compile(
    rf"{_WORD}+{_AT}[a-z0-9-]+(?:{_DOT}[a-z0-9-]+)+|{_WORD}+\sat\s{_MAILERS}{_DOT}[a-z]{{2,3}}(?![a-z])", re.I
)
_HANDLE = re.compile(r"(?<![\w@.])@[A-Za-z_][A-Za-z0-9_.]{2,29}(?![\w@])")
_MESSENGER = re.compile(
    r"((?:微信|威信|wechat|weixin|(?<![a-z])[vw]x|(?<![a-z])qq|telegram|skype)"
    r"\s?(?:号码|号|id|账号)?\s?(?:is|是|为)?\s?:?\s?)"
    r"(?=[a-z0-9_-]*\d)[a-z0-9][a-z0-9_-]{4,19}(?![a-z0-9])",
    re.I,
)
_IBAN = re.compile(
    r"(?<![a-z0-9])[a-z]{2}\d{2}(?:[ -]?[a-z0-9]{4}){2,7}(?:[ -]?[a-z0-9]{1,3})?(?![a-z0-9])", re.I
)
# Ends of a number: no further digit, letter or hyphen, and no decimal point or thousands comma before it.
_START = r"(?<![\dA-Za-z_.,-])"
_END = r"(?![\dA-Za-z_-])"
_IDENTITY = re.compile(
    # China: region, birthday, number, check character; or the parts with spaces between.
    r"(?<!\d)[1-9]\d{5} ?(?:18|19|20)\d{2} ?(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]) ?\d{3}[\dXx]"
    + _END
    # United States: social security; Brazil: CPF; United Kingdom: national insurance.
    + rf"|{_START}(?!000|666|9)\d{{3}}-(?!00)\d{{2}}-(?!0000)\d{{4}}{_END}"
    + rf"|{_START}\d{{3}}\.\d{{3}}\.\d{{3}}-\d{{2}}{_END}"
    + rf"|{_START}[A-CEGHJ-PR-TW-Z]{{2}} ?\d{{2}} ?\d{{2}} ?\d{{2}} ?[A-D]{_END}"
)
_CARD = re.compile(rf"{_START}[2-6](?:[ -]?\d){{11,18}}{_END}")
_CARD_IN_FOURS = re.compile(r"[3-6]\d{3}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?")
_PHONE = re.compile(
    "|".join(
        (
            # With the code of a country, a zero in brackets or not.
            r"(?<![\w+])(?:\+|00)[1-9](?:[ ./()-]{0,3}\d){6,14}(?!\d)",
            # China: mobile, then land line.
            rf"{_START}(?:86[ -]?)?1[3-9]\d[ -]?\d{{4}}[ -]?\d{{4}}{_END}",
            rf"{_START}\(?0[1-9]\d{{1,2}}[) -]{{1,2}}[2-8]\d{{2,3}}[ -]?\d{{4}}{_END}",
            # North America: area code, exchange, number.
            rf"{_START}(?:1[ ./-])?(?:\([2-9]\d{{2}}\) ?|[2-9]\d{{2}}[ ./-])[2-9]\d{{2}}[ ./-]\d{{4}}{_END}",
            # United Kingdom and others: a zero, then ten digits in a row or eight to twelve in groups.
            rf"{_START}0[1-9]\d{{9}}{_END}",
            rf"{_START}\(?0[1-9]\d{{1,4}}\)?[ -]\d{{3,4}}[ -]?\d{{3,5}}{_END}",
            rf"{_START}0[1-9](?:[ .-]\d{{2}}){{4}}{_END}",
            # Brazil: the area in brackets.
            rf"\([1-9]\d\) ?9? ?\d{{4}}[ -]?\d{{4}}{_END}",
        )
    )
)
_PHONE_AFTER_ITS_NAME = re.compile(
    r"((?:(?<![a-z])(?:(?:tele|cell)?phone|tel|mobile|cell|whats ?app|call|text|fax|ring|dial|reach)"
    r"|telefone|celular|电话|手机|联系方式|座机|致电|拨打|热线)"
    r"(?:号码|号|number|no|num|me|us|him|her|my|our|on|at|is|to|please|back|是|为|[:.#,\s(])*)"
    rf"(\+?\(?\d[\d ()./-]{{5,18}}\d){_END}",
    re.I,
)
_DATE = re.compile(
    r"\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{4}|\d{4} ?- ?\d{4}|(?:19|20)\d{6}"
)
_ADDRESS = re.compile(
    r"(?<![\w.,#$£€-])\d{1,5}[A-Za-z]?,? (?:[NSEW]\.? )?(?:[A-Z][a-z']+ ){1,3}"
    r"(?:Street|Avenue|Road|Lane|Boulevard|Crescent|Terrace|St\.|Ave\.?|Rd\.?|Blvd\.?)(?![a-z])"
    r"(?:,? (?:Apt|Apartment|Unit|Flat|Suite)\.? ?#?\w{1,5})?"
    rf"|(?:[{_CJK}]{{2,8}}(?:省|市|区|县|镇))*[{_CJK}]{{1,8}}(?:路|街|大道|巷|弄|胡同)\s?\d{{1,5}}\s?[号弄]院?"
    r"(?:\s?[\dA-Za-z]{1,4}\s?(?:号楼|栋|幢|座|单元|层|楼|室|号))*"
)
_NUMBER_OF_SOMETHING_ELSE = re.compile(
    r"(?:订单|单号|型号|货号|order|invoice|item|isbn|sku|model|part)\D{0,12}$", re.I
)
# Every pattern needs one of these; most texts have none and are spared the patterns.
_MAY_HOLD_ANY = rf"(?i)[@\d]|{_AT_SPELLED_OUT.pattern}"
_SIX_DIGITS = re.compile(r"\d(?:\D{0,3}\d){5}")


def mask_personal(text: str) -> str:
    """A text with masks, such as "[email]", for what names a person.

    Args:
        text: taken in its compatibility form (Unicode NFKC), so that full-width digits are digits.
    """
    text = unicodedata.normalize("NFKC", text)
    if "@" in text:
        text = _EMAIL.sub("[email]", text)
        text = _HANDLE.sub("[handle]", text)
    if _AT_SPELLED_OUT.search(text):
        text = _EMAIL_SPELLED_OUT.sub("[email]", text)
    text = _MESSENGER.sub(r"\1[handle]", text)
    if _SIX_DIGITS.search(text):
        text = _IBAN.sub(_mask_iban, text)
        text = _IDENTITY.sub("[id]", text)
        text = _CARD.sub(_mask_card, text)
        text = _PHONE.sub(_mask_phone, text)
        text = _PHONE_AFTER_ITS_NAME.sub(_mask_named_phone, text)
    return _ADDRESS.sub("[address]", text)


def mask_texts(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """`mask_personal` for each text; null stays null."""
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    texts = pc.utf8_normalize(texts, form="NFKC")
    may_hold_any = pc.fill_null(pc.match_substring_regex(texts, _MAY_HOLD_ANY), False)
    if not pc.any(may_hold_any).as_py():
        return texts
    masked = [mask_personal(text) for text in pc.filter(texts, may_hold_any).to_pylist()]
    return pc.replace_with_mask(texts, may_hold_any, pa.array(masked, pa.string()))


def _mask_iban(match: re.Match) -> str:
    return "[iban]" if _is_iban(match[0]) else match[0]


def _mask_card(match: re.Match) -> str:
    return "[card]" if _is_card(match[0]) else match[0]


def _mask_phone(match: re.Match) -> str:
    """Digits in one row after a word such as "order" number something else."""
    of_something_else = match[0].isdigit() and _NUMBER_OF_SOMETHING_ELSE.search(
        match.string[: match.start()][-24:]
    )
    return "[phone]" if _is_no_date(match[0]) and not of_something_else else match[0]


def _mask_named_phone(match: re.Match) -> str:
    digits = sum(character.isdigit() for character in match[2])
    return f"{match[1]}[phone]" if 7 <= digits <= 15 and _is_no_date(match[2]) else match[0]


def _is_no_date(number: str) -> bool:
    return _DATE.fullmatch(number.strip(" ()")) is None


def _is_iban(text: str) -> bool:
    """Whether the check digits of ISO 13616 fit: the rearranged number is 1 modulo 97."""
    account = re.sub("[ -]", "", text).upper()
    rearranged = account[4:] + account[:4]
    return 15 <= len(account) <= 34 and int("".join(str(int(letter, 36)) for letter in rearranged)) % 97 == 1


def _is_card(text: str) -> bool:
    """Whether the check digit (Luhn) fits; four groups of four are a card, mistyped or not."""
    if _CARD_IN_FOURS.fullmatch(text):
        return True
    digits = [int(character) for character in text if character.isdigit()]
    if len(digits) < 13 or (len(digits) == 13 and digits[0] != 4):  # EAN-13 barcodes have thirteen
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
