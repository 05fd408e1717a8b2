"""What an FPGA has, and what a design is estimated to take of it before synthesis tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BLOCK_SHAPES = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))
SMALL_MEMORY_BITS = 2048  # below, synthesis makes it of look-up tables


@dataclass(frozen=True, slots=True)
class Resources:
    """18 x 18 multipliers, 4-input look-up tables, 18 kbit memories."""

    dsp: int
    lut: int
    bram: int

    def within(self, limits: Resources) -> bool:
        """Whether it fits."""
        return self.dsp <= limits.dsp and self.lut <= limits.lut and self.bram <= limits.bram

    def share(self, part: float) -> Resources:
        """A part of a device, to leave routing some room."""
        return Resources(int(self.dsp * part), int(self.lut * part), int(self.bram * part))


ECP5 = {
    "25k": Resources(28, 24_288, 56),
    "45k": Resources(72, 43_848, 108),
    "85k": Resources(156, 83_640, 208),
}


def total(parts: Iterable[Resources]) -> Resources:
    """The sum."""
    listed = tuple(parts)
    return Resources(
        sum(part.dsp for part in listed),
        sum(part.lut for part in listed),
        sum(part.bram for part in listed),
    )


def bank_words(width_bytes: int) -> int:
    """Words of a bank that is one block memory deep."""
    return 2048 if width_bytes == 1 else 1024


def banked_blocks(width_bytes: int, depth: int) -> int:
    """Block memories of `depth` words in banks."""
    bank = bank_words(width_bytes)
    whole, rest = divmod(depth, bank)
    width = 8 * width_bytes
    return whole * memory_blocks(width, bank) + (memory_blocks(width, rest) if rest else 0)


def memory_blocks(width: int, depth: int) -> int:
    """Block memories that `depth` words of `width` bits take, 0 where look-up tables do."""
    if width * depth <= SMALL_MEMORY_BITS:
        return 0
    return min(-(-width // wide) * -(-depth // deep) for wide, deep in BLOCK_SHAPES)
