"""Messages packed by hand: (width, number) pairs into bytes."""

from __future__ import annotations


def packed(*fields: tuple[int, int]) -> bytes:
    """The most significant bit first, filled with zeros to whole bytes; negative in complement."""
    value = length = 0
    for width, number in fields:
        if not -(1 << (width - 1)) <= number < 1 << width:
            raise OverflowError(f"{number} does not fit {width} bits")
        value = value << width | number & ((1 << width) - 1)
        length += width
    missing = -length % 8
    return (value << missing).to_bytes((length + missing) // 8, "big")


def sign_magnitude(width: int, number: int) -> tuple[int, int]:
    """A field of GLONASS: the sign in the first bit."""
    return width, (1 << (width - 1) if number < 0 else 0) | abs(number)
