"""The arena: no two buffers that live together overlap, and no byte too many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_deploy.c.plan import ALIGNMENT, Buffer, lower_bound, plan

pytestmark = pytest.mark.edge

buffers = st.lists(
    st.tuples(st.integers(1, 500), st.integers(0, 12), st.integers(0, 5)), min_size=1, max_size=14
).map(
    lambda rows: [
        Buffer(str(at), size, first, first + length)
        for at, (size, first, length) in enumerate(rows)
    ]
)


@given(buffers)
def test_no_two_live_buffers_overlap(some: list[Buffer]) -> None:
    made = plan(some)
    assert made.size >= made.bound == lower_bound(some)
    for at, one in enumerate(some):
        start = made.offsets[one.name]
        assert start % ALIGNMENT == 0
        assert start + one.size <= made.size
        for other in some[at + 1 :]:
            if one.meets(other):
                begin = made.offsets[other.name]
                assert start + one.size <= begin or begin + other.size <= start


def test_a_chain_needs_its_largest_neighbours_only() -> None:
    chain = [Buffer(str(at), size, at, at + 1) for at, size in enumerate((64, 256, 128, 32))]
    assert plan(chain).size == 256 + 128


def test_the_bound_counts_what_lives_at_one_step() -> None:
    assert lower_bound([Buffer("a", 10, 0, 1), Buffer("b", 6, 1, 2), Buffer("c", 9, 2, 3)]) == 20
