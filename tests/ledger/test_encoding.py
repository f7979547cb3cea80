import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.ledger.encoding import MAX_NUMBER, decode_base64, decode_decimal, decode_hash, encode_base64
from candid.ledger.errors import FormatError

LENIENT_NUMBERS = [
    b"",
    b"+1",
    b"-1",
    b"-0",
    b"01",
    b"00",
    b"1_0",
    b" 1",
    b"1 ",
    b"1\n",
    b"1.0",
    b"0x1",
    b"1e3",
    "١".encode(),
    "1²".encode(),
    b"9223372036854775808",
    b"99999999999999999999",
]
LENIENT_BASE64 = [
    b"QQ",
    b"QQ=",
    b"QQ==\n",
    b" QQ==",
    b"QR==",
    b"QUJ=",
    b"Q Q==",
    b"Q-==",
    b"QQ==QQ==",
    b"====",
    "ÀÀ==".encode(),
]


@pytest.mark.parametrize("text", LENIENT_NUMBERS)
def test_numbers_have_one_spelling(text):
    with pytest.raises(FormatError, match="the size"):
        decode_decimal(text, "the size")


@given(st.integers(0, MAX_NUMBER))
def test_numbers_are_read_back(number):
    assert decode_decimal(b"%d" % number, "a number") == number


@pytest.mark.parametrize("text", LENIENT_BASE64)
def test_base64_has_one_spelling(text):
    with pytest.raises(FormatError, match="the key"):
        decode_base64(text, "the key")


@given(st.binary(max_size=80))
def test_base64_is_read_back(data):
    assert decode_base64(encode_base64(data), "data") == data


def test_a_hash_has_32_bytes():
    assert decode_hash(encode_base64(bytes(32)), "a hash") == bytes(32)
    with pytest.raises(FormatError, match="32 bytes, found 31"):
        decode_hash(encode_base64(bytes(31)), "a hash")
