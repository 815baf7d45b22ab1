"""Masks: what names a person goes, what only looks like it stays. Every text and number here is made up."""

import pyarrow as pa
import pytest

from python_ml.privacy.mask import mask_personal, mask_texts

# Cards are the test numbers of payment providers, IBANs the examples of the registry, phones from ranges
# kept for fiction where there are any, identity numbers invalid or published as examples.
PERSONAL = [
    ("Write to john.smith@example.com please", "Write to [email] please"),
    ("JOHN_SMITH+shop@Mail.Example.CO.UK!", "[email]!"),
    ("请联系wang.fang@example.cn谢谢", "请联系[email]谢谢"),
    ("my address is jane@example.org.", "my address is [email]."),
    ("<jane@example.org>", "<[email]>"),
    ("mailto:jane@example.org", "[email]"),
    ("https://shop.example/reset?mail=jane@example.org&x=1", "https://shop.example/reset?mail=[email]&x=1"),
    ("jane @ example.org", "[email]"),
    ("jane [at] example [dot] org", "[email]"),
    ("jane(at)example.org", "[email]"),
    ("reach jane.doe at gmail dot com", "reach [email]"),
    ("邮箱：ｊａｎｅ＠ｅｘａｍｐｌｅ．ｏｒｇ", "邮箱:[email]"),
    ("josé.garcía@example.es escribió", "[email] escribió"),
    ("two: a@example.com, b@example.com", "two: [email], [email]"),
    ("Call (212) 555-0147 now", "Call [phone] now"),
    ("212-555-0147", "[phone]"),
    ("212.555.0147", "[phone]"),
    ("1-800-555-0199 is their line", "[phone] is their line"),
    ("+1 212 555 0147", "[phone]"),
    ("+1 (212) 555-0147", "[phone]"),
    ("text me at 2125550147", "text me at [phone]"),
    ("My phone number is 555-0147", "My phone number is [phone]"),
    ("cell: 2125550147.", "cell: [phone]."),
    ("07700 900123", "[phone]"),
    ("07700900123", "[phone]"),
    ("ring 020 7946 0958 after six", "ring [phone] after six"),
    ("(020) 7946 0958", "[phone]"),
    ("+44 7700 900123", "[phone]"),
    ("+44 (0)20 7946 0958", "[phone]"),
    ("0044 20 7946 0958", "[phone]"),
    ("01632 960001", "[phone]"),
    ("我的手机是13800138000", "我的手机是[phone]"),
    ("电话１３８００１３８０００", "电话[phone]"),
    ("order it, or 212-555-0147", "order it, or [phone]"),
    ("手机1380013****", "手机[phone]****"),
    ("138 0013 8000联系我", "[phone]联系我"),
    ("138-0013-8000", "[phone]"),
    ("+86 138 0013 8000", "[phone]"),
    ("86-13800138000", "[phone]"),
    ("座机010-62345678", "座机[phone]"),
    ("0755-2345 6789", "[phone]"),
    ("请拨打 62345678", "请拨打 [phone]"),
    ("+33 1 99 00 12 34", "[phone]"),
    ("01 99 00 12 34", "[phone]"),
    ("+49 30 23125 000", "[phone]"),
    ("meu telefone (11) 91234-5678", "meu telefone [phone]"),
    ("+91 98765 43210", "[phone]"),
    ("card 4111 1111 1111 1111 was charged", "card [card] was charged"),
    ("4111111111111111", "[card]"),
    ("5555-5555-5555-4444", "[card]"),
    ("amex 378282246310005", "amex [card]"),
    ("3782 822463 10005", "[card]"),
    ("银行卡6222 0212 3456 7890 123", "银行卡[card]"),
    ("mistyped 4111 1111 1111 1112", "mistyped [card]"),
    ("身份证110101199003070018", "身份证[id]"),
    ("11010119900307001X", "[id]"),
    ("ssn 078-05-1120", "ssn [id]"),
    ("CPF 123.456.789-09", "CPF [id]"),
    ("NI AB 12 34 56 C", "NI [id]"),
    ("IBAN GB82 WEST 1234 5698 7654 32", "IBAN [iban]"),
    ("DE89370400440532013000", "[iban]"),
    ("fr14 2004 1010 0505 0001 3m02 606", "[iban]"),
    ("thanks @jane_doe99!", "thanks [handle]!"),
    ("加我微信：jane_1990", "加我微信:[handle]"),
    ("QQ 123456789", "QQ [handle]"),
    ("wechat id: wang2020", "wechat id: [handle]"),
    ("deliver to 221B Baker Street, please", "deliver to [address], please"),
    ("1600 Pennsylvania Ave. is wrong", "[address] is wrong"),
    ("北京市朝阳区建国路88号2栋301室", "[address]"),
    ("寄到人民路12号", "[address]"),
]

ORDINARY = [
    "size 38 fits",
    "bought in 2019",
    "it cost $1,299.00",
    "£12.50 for 3",
    "12 items in order 1045",
    "order 100234567",
    "order number 203-4567891-1234567",
    "ASIN B07XJ8C8F5",
    "ISBN 978-0-306-40615-7",
    "ISBN 0306406152",
    "EAN 4006381333931",
    "barcode 5901234123457",
    "UPC 036000291452",
    "2019-12-31",
    "31/12/2019",
    "12-31-2019",
    "2019.12.31 10:30:00",
    "2019-12-31T10:30:00Z",
    "my phone 2019-12-31 broke",
    "my phone 13 pro 256 is fine",
    "the iPhone 12 costs 1299",
    "called 3 times in 2 weeks",
    "text 20 by 30 cm",
    "call it 5 stars",
    "open 9-5, mon-fri",
    "season 2018-2019",
    "2018 2019 2020 2021",
    "36-24-36",
    "100-240V 50/60Hz",
    "1920x1080",
    "3840 x 2160 at 60 Hz",
    "10000 mAh, 20000 mAh",
    "5 @ 3.99",
    "2 @ $5",
    "3@5",
    "@ home",
    "meet at 10.30 in shop",
    "at home. dot matrix",
    "rated 4.5/5 by 1,234 people",
    "1,234,567,890 sold",
    "1234567890123 grains",
    "model 45X-200-3000",
    "SKU 12345-67890-AB",
    "part no. 555-22-A",
    "version 1.2.3.4",
    "weighs 1.234567 kg",
    "pi is 3.14159265358979",
    "100 200 300 400",
    "1 2 3 4 5 6 7 8 9",
    "0.1234567",
    "temperature -10 to 40",
    "US size 8, UK 6, EU 39",
    "W32 L34",
    "the 1st, 2nd and 3rd",
    "50% off, 3 for 2",
    "尺码38正合适",
    "2019年12月31日买的",
    "花了1299元",
    "订单号20191231000123",
    "订单号:19513967161 很薄",
    "order no. 13951396716",
    "买了12件",
    "身高170体重65",
    "手机很好用，用了3年",
    "手机内存128，价格2999",
    "走了2公里的路，3个人",
    "第1000001次",
    "电话手表2019款",
    "on the road 66 again",
    "2 pairs of street shoes",
    "GB12 is no account",
    "GB83 WEST 1234 5698 7654 32",
    "NI QQ 12 34 56 C",
    "a rose from Rose",
    "",
]


@pytest.mark.parametrize(("text", "masked"), PERSONAL)
def test_what_names_a_person_is_masked(text: str, masked: str):
    assert mask_personal(text) == masked


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(text: str):
    assert mask_personal(text) == text.replace("，", ",")


def test_the_lists_are_long_enough_to_mean_something():
    assert len(PERSONAL) >= 60
    assert len(ORDINARY) >= 60


@pytest.mark.parametrize(("text", "masked"), PERSONAL)
def test_masks_are_not_masked_again(text: str, masked: str):
    assert mask_personal(masked) == masked


def test_no_text_is_spared_the_patterns_that_would_find_something():
    """The quick look that decides which texts the patterns are tried on."""
    texts = [text for text, _ in PERSONAL] + ORDINARY
    assert mask_texts(pa.array(texts)).to_pylist() == [mask_personal(text) for text in texts]


def test_null_stays_null():
    assert mask_texts(pa.array([None, "a@example.com", None, "b"])).to_pylist() == [
        None,
        "[email]",
        None,
        "b",
    ]
    assert mask_texts(pa.array([], pa.string())).to_pylist() == []
    assert mask_texts(pa.chunked_array([["a"], [None, "a@example.com"]])).to_pylist() == [
        "a",
        None,
        "[email]",
    ]
