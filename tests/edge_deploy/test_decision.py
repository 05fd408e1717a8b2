"""Pictures to decisions: the C program against its Python counterpart, and what it refuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.arm64 import bundle, decision
from edge_deploy.c.build import TARGETS
from edge_deploy.c.generate import generate
from edge_deploy.errors import EdgeError
from edge_deploy.graph.ir import Graph, Tensor
from edge_deploy.verify import tools
from tests.edge_deploy.qdq import Net, graph_of

pytestmark = pytest.mark.edge

HEIGHT, WIDTH = 48, 64
THRESHOLD = 0.4


def graph() -> Graph:
    """A map of 24 x 32 cells."""
    net = Net((1, HEIGHT, WIDTH), seed=5)
    y = net.weighted("Conv", net.last, (1, 1, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1])
    return graph_of(net.payload({y: (1, HEIGHT // 2, WIDTH // 2)}))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = TARGETS["c99-sanitized"]
    if reason := tools.missing(target.tools):
        pytest.skip(reason)
    made = graph()
    header = {"decide.h": decision.header(decision.rule(made, THRESHOLD))}
    folder = tmp_path_factory.mktemp("decide")
    files = bundle.DECIDE_FILES
    return bundle.compile_program(made, generate(made), folder, "decide", files, target, header)


def decided(program: Path, given: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([program], input=given, capture_output=True, check=False)


def pictures(count: int) -> list[np.ndarray]:
    """Smooth ones with spots, so that regions have shapes; some lack rows and columns."""
    rng = np.random.default_rng(2)
    made = []
    for at in range(count):
        height, width = HEIGHT - at % 3 * 7, WIDTH - at % 5 * 3
        picture = rng.normal(120, 40, (height, width)).cumsum(1) / 4
        for _ in range(at % 6):
            y, x = rng.integers(0, height - 8), rng.integers(0, width - 8)
            picture[y : y + rng.integers(1, 8), x : x + rng.integers(1, 8)] += rng.normal(0, 150)
        made.append(np.clip(picture, 0, 255).astype(np.uint8))
    return made


def test_the_program_decides_as_the_reference(program: Path) -> None:
    made, seen = graph(), pictures(60)
    wanted = bundle.decide_all(made, decision.rule(made, THRESHOLD), seen)
    done = decided(program, b"".join(map(bundle.pgm, seen)))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert lines == [one.line(at) for at, one in enumerate(wanted)]
    assert len({len(one.regions) for one in wanted}) > 3, "the pictures try too little"
    assert json.loads(lines[0])["frame"] == 0


def test_sixteen_bits_and_comments_are_read(program: Path) -> None:
    picture = pictures(1)[0]
    wide = (picture.astype(np.uint16) << 4).astype(">u2").tobytes()
    header = b"P5 # twelve bits\n# of sixteen\n%d\n%d 4095\n" % (WIDTH, HEIGHT)
    assert decided(program, header + wide).stdout == decided(program, bundle.pgm(picture)).stdout


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (b"P6\n64 48\n255\n", b"not a whole binary PGM"),
        (b"P5\n64 48\n255\n" + bytes(100), b"not a whole binary PGM"),
        (b"P5\n-4 48\n255\n", b"not a whole binary PGM"),
        (b"P5\n99999999999 48\n255\n", b"not a whole binary PGM"),
        (b"P5\n65 48\n255\n" + bytes(65 * 48), b"this program was made for"),
        (b"P5\n20 20\n255\n" + bytes(400), b"this program was made for"),
    ],
)
def test_what_does_not_fit_is_refused(program: Path, given: bytes, told: bytes) -> None:
    whole = bundle.pgm(pictures(1)[0])
    done = decided(program, whole + given)
    assert done.returncode == 1
    assert told in done.stderr
    assert b"picture 1 " in done.stderr
    assert len(done.stdout.splitlines()) == 1, "the picture before it was answered"


@given(st.floats(0.001, 1), st.integers(0, 255), st.floats(-300, 300))
def test_a_level_is_the_least_that_reaches(scale: float, zero: int, threshold: float) -> None:
    tensor = Tensor("map", (1, 4, 4), scale, zero)
    least = decision.level(tensor, threshold)
    logits = decision.real(np.arange(256), tensor).astype(np.float64)
    assert np.array_equal(logits >= threshold, np.arange(256) >= least)


def test_cells_one_blank_apart_are_one_region() -> None:
    rule = decision.Rule(16, 16, Tensor("map", (1, 8, 8), 1.0, 0), 5, 7)
    cells = np.zeros((1, 8, 8), np.uint8)
    cells[0, 1, 1], cells[0, 1, 3], cells[0, 6, 6] = 9, 5, 6
    found = decision.decide(cells, (16, 15), rule)
    assert [(one.box_px, one.score) for one in found.regions] == [((2, 2, 8, 4), 9.0)]
    assert found.defective and found.score == 9.0


def test_a_network_without_a_map_is_refused() -> None:
    net = Net((3, 8, 8))
    made = graph_of(net.payload({net.weighted("Conv", net.last, (1, 3, 1, 1)): (1, 8, 8)}))
    with pytest.raises(EdgeError, match="one grey picture in and one map out"):
        decision.rule(made, 0.0)
