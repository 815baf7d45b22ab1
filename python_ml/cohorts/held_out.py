"""Which users something is tried on, and not learned from."""

from hashlib import blake2b


def place(user_id: str) -> float:
    """A number in [0, 1) that is always the same for a user, and says nothing about the user."""
    return int.from_bytes(blake2b(user_id.encode(), digest_size=8).digest()) / 2**64
