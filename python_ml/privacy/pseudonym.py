"""Pseudonyms: HMAC-SHA-256 of an id under the shop's key, cut to its first 128 bits.

The warehouse computes the same in SQL (`macros/pseudonym.sql`) from the two pads. That two of n ids share a
pseudonym has a probability of about n^2 / 2^129: 1.5e-21 for a thousand million ids.

Source: H. Krawczyk, M. Bellare, R. Canetti, RFC 2104, "HMAC: Keyed-Hashing for Message Authentication", 1997;
its section 5 allows the cut to half the hash.
"""

import hashlib
import hmac

HEX_DIGITS = 32
_BLOCK_BYTES = 64  # of SHA-256


def pseudonym(key: bytes, raw_id: str) -> str:
    """The pseudonym of an id.

    Args:
        key: the shop's key.
        raw_id: the id as text, as the source's view gives it.

    Returns:
        32 lower-case hexadecimal digits.
    """
    return hmac.digest(key, raw_id.encode(), "sha256").hex()[:HEX_DIGITS]


def pads(key: bytes) -> tuple[bytes, bytes]:
    """Inner and outer pad, 64 bytes each, with which HMAC is two plain hashes (RFC 2104, section 2)."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def fingerprint(key: bytes) -> str:
    """Tells one key from another and gives neither away: a hash of what only the key's holder can compute."""
    return hashlib.sha256(hmac.digest(key, b"fingerprint", "sha256")).hexdigest()
