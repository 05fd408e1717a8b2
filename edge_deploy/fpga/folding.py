"""How many multipliers each layer gets, so that all take about the same time for a picture.

A layer with f filters and t input channels side by side has f t multipliers and needs
pixels * (O / f) * max(kernel * C / t, f) cycles: its sums leave one by one. The solver looks for
the least interval between pictures at which the cheapest choice of every layer fits the budget;
where much of what is built would then stand idle, for a little longer one that keeps it busy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edge_deploy.errors import EdgeError
from edge_deploy.fpga.device import Resources, banked_blocks, memory_blocks, total
from edge_deploy.fpga.window import Window

MOST_TAPS = 4  # products that one stage of adders sums
RESCALE_DSP = 2  # products of 17 bits in one rescaling
LEAST_BUSY, LONGER = 0.8, 1.3  # of the multipliers; how much of the interval may be given for it
LAYER_LUT = 1200  # counters, addresses and rescaling of a layer, as yosys reports ResNet-8's
MULTIPLIER_LUT = 10
FILTER_LUT = 60


@dataclass(frozen=True, slots=True)
class Load:
    """What one layer must compute. depthwise: each channel has its own filter."""

    name: str
    window: Window
    filters: int
    depthwise: bool

    @property
    def kernel(self) -> int:
        """Taps of one channel."""
        return self.window.kernel[0] * self.window.kernel[1]

    @property
    def pixels(self) -> int:
        """Of the output."""
        return self.window.pixels[0] * self.window.pixels[1]

    @property
    def channels(self) -> int:
        """That each filter sees."""
        return 1 if self.depthwise else self.window.source[0]

    @property
    def products(self) -> int:
        """Of one picture."""
        return self.pixels * self.filters * self.kernel * self.channels


@dataclass(frozen=True, slots=True)
class Fold:
    """filters and taps side by side, with what they cost and the cycles of one picture."""

    filters: int
    taps: int
    cycles: int
    cost: Resources

    @property
    def multipliers(self) -> int:
        """Instantiated."""
        return self.filters * self.taps


@dataclass(frozen=True, slots=True)
class Folding:
    """One fold a layer by name. interval: cycles from picture to picture that it aims at."""

    folds: dict[str, Fold]
    interval: int

    @property
    def multipliers(self) -> int:
        """All that multiply activations with weights."""
        return sum(fold.multipliers for fold in self.folds.values())


def options(load: Load) -> tuple[Fold, ...]:
    """Every fold of a layer, the cheapest first."""
    made = [_fold(load, filters, taps) for filters, taps in _choices(load)]
    return tuple(sorted(made, key=lambda fold: (fold.multipliers, fold.cycles, fold.cost.bram)))


def solve(
    loads: tuple[Load, ...], floor: int, base: Resources, limits: Resources, interval: int = 0
) -> Folding:
    """floor: cycles that streams and layers without multipliers need; base: what those cost.

    interval: not to be faster than this, to save multipliers. EdgeError where nothing fits.
    """
    every = {load.name: options(load) for load in loads}
    least = max(floor, interval, *(min(f.cycles for f in folds) for folds in every.values()))
    times = sorted({least, *(f.cycles for folds in every.values() for f in folds)})
    times = [time for time in times if time >= least]
    low, high = 0, len(times)
    while low < high:
        middle = (low + high) // 2
        fits = _cost(_cheapest(every, times[middle]), base).within(limits)
        low, high = (low, middle) if fits else (middle + 1, high)
    if low == len(times):
        needed = _cost(_cheapest(every, times[-1]), base)
        raise EdgeError(
            f"even one multiplier a layer needs {needed.dsp} multipliers, {needed.lut} look-up "
            f"tables and {needed.bram} memories of {limits.dsp}, {limits.lut} and {limits.bram}: "
            "name a larger device"
        )
    near = (time for time in times[low:] if time <= LONGER * times[low])
    fitting = (Folding(_cheapest(every, time), time) for time in near)
    quickest = Folding(_cheapest(every, times[low]), times[low])
    return next((one for one in fitting if _busy(one, loads) >= LEAST_BUSY), quickest)


def _busy(folding: Folding, loads: Sequence[Load]) -> float:
    """Share of the multipliers that work at a time."""
    products = sum(load.products for load in loads)
    return products / (folding.multipliers * folding.interval)


def _cheapest(every: Mapping[str, tuple[Fold, ...]], interval: int) -> dict[str, Fold]:
    return {
        name: next(fold for fold in folds if fold.cycles <= interval)
        for name, folds in every.items()
    }


def _cost(folds: Mapping[str, Fold], base: Resources) -> Resources:
    return total([base, *(fold.cost for fold in folds.values())])


def _choices(load: Load) -> Iterator[tuple[int, int]]:
    channels = load.window.source[0]
    for filters in _divisors(load.filters):
        taps = (1,) if load.depthwise else _divisors(channels)
        yield from ((filters, tap) for tap in taps if tap <= MOST_TAPS)


def _fold(load: Load, filters: int, taps: int) -> Fold:
    channels = load.channels
    steps = load.kernel * channels // taps
    cycles = load.pixels * (load.filters // filters) * max(steps, filters)
    lanes = filters if load.depthwise else taps
    ring = memory_blocks(8 * lanes, load.window.capacity * load.window.source[0] // lanes)
    words = load.kernel * channels * load.filters // (filters * taps)
    made = filters * taps
    cost = Resources(
        made + RESCALE_DSP,
        LAYER_LUT + MULTIPLIER_LUT * made + FILTER_LUT * filters,
        ring + banked_blocks(made, words),
    )
    return Fold(filters, taps, cycles, cost)


def _divisors(value: int) -> tuple[int, ...]:
    return tuple(part for part in range(1, value + 1) if value % part == 0)
