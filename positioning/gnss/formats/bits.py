"""Numbers of given widths out of a message's bits, the first bit the most significant."""

from __future__ import annotations

import math


class Bits:
    """Reads on from bit to bit. ValueError beyond the end."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._value = int.from_bytes(data, "big")
        self._length = 8 * len(data)
        self.at = at

    def unsigned(self, width: int) -> int:
        """The next `width` bits."""
        end = self.at + width
        if end > self._length:
            raise ValueError(f"a message of {self._length} bits ends before bit {end}")
        self.at = end
        return self._value >> (self._length - end) & ((1 << width) - 1)

    def signed(self, width: int) -> int:
        """The next `width` bits in two's complement."""
        value = self.unsigned(width)
        return value - (1 << width) if value >> (width - 1) else value

    def scaled(self, width: int, power: int) -> float:
        """Signed, times 2^power."""
        return math.ldexp(self.signed(width), power)

    def angle(self, width: int, power: int) -> float:
        """Signed semicircles times 2^power, in radians."""
        return self.scaled(width, power) * math.pi

    def skip(self, width: int) -> None:
        """Pass over `width` bits."""
        self.at += width
