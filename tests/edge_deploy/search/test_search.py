"""The search: fronts by hand, costs by the planner, engines on a landscape that is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.checksets import WEIGHTS
from edge_deploy.errors import EdgeError
from edge_deploy.fpga.design import design
from edge_deploy.graph.ir import Graph, macs
from edge_deploy.pipeline import prepare_bytes
from edge_deploy.search.command import within
from edge_deploy.search.cost import Limits, cost
from edge_deploy.search.data import read, split
from edge_deploy.search.engines import Candidates, Name, search
from edge_deploy.search.fpga import CLOCK_HZ, folded, room
from edge_deploy.search.front import front, hypervolume
from edge_deploy.search.latency import fit, kind
from edge_deploy.search.skeleton import skeleton
from edge_deploy.search.space import Architecture, Stage, at, coordinates, every

pytestmark = pytest.mark.edge

SMALL = Architecture((Stage(8, 1, "dense"), Stage(12, 1, "separable"), Stage(16, 1, "dense")))


def test_the_space_and_its_coordinates_are_one_to_one() -> None:
    space = every()
    assert len(set(space)) == 4096
    places = np.stack([coordinates(one) for one in space])
    assert len(np.unique(places, axis=0)) == 4096
    assert all(at(place) == one for place, one in zip(places[::97], space[::97], strict=True))


def test_costs_are_those_of_the_shapes() -> None:
    told = cost(SMALL, 32, 10)
    stem, first = 16 * 16 * 9 * 8, 16 * 16 * 9 * 8 * 8
    second, third = 8 * 8 * (9 * 8 + 8 * 12), 4 * 4 * 9 * 12 * 16
    assert told.macs == stem + first + second + third + 16 * 10
    assert told.arena >= 2 * 16 * 16 * 8  # the stem's output and the next one's live together
    assert Limits(told.macs, told.arena).allow(told)
    assert not Limits(macs=told.macs - 1).allow(told)
    assert not Limits(arena=told.arena - 1).allow(told)


def test_only_what_the_limits_allow_is_searched() -> None:
    space = within(Limits(macs=400_000, arena=6_000), 10)
    assert 0 < len(space.costs) < 4096
    assert max(one.macs for one in space.costs) <= 400_000
    assert max(one.arena for one in space.costs) <= 6_000
    with pytest.raises(EdgeError, match="nothing keeps within the limits"):
        within(Limits(macs=10), 10)


def test_an_fpgas_folding_is_told_from_shapes() -> None:
    """More multipliers are never slower; the estimate is that of the design itself."""
    graph = skeleton(SMALL, 32, 10)
    fits = [folded(graph, most) for most in (40, 60, 80, 140)]
    assert all(
        one is not None and one.dsp <= most
        for one, most in zip(fits, (40, 60, 80, 140), strict=True)
    )
    assert sorted(one.frames_hz for one in fits) == [one.frames_hz for one in fits]
    assert folded(graph, 16) is None, "one multiplier a layer and two in each rescaling"
    learned = prepare_bytes((WEIGHTS / "mobilenet_int8.onnx").read_bytes(), "mobilenet").graph
    told, made = folded(learned), design(learned, room())
    assert told is not None and told.frames_hz == CLOCK_HZ / made.folding.interval
    assert told.dsp <= made.estimate.dsp, "the estimate leaves the sums' rescaling out"


def test_limits_of_an_fpga_bound_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_deploy.search.command.every", lambda: every()[::23])
    small = {"macs": 300_000, "arena": 6_000}
    free, bound = within(Limits(**small), 10), within(Limits(**small, dsp=40, frames_hz=8000), 10)
    assert 0 < len(bound.costs) < len(free.costs)
    assert all(one.dsp <= 40 and one.frames_hz >= 8000 for one in bound.costs)
    with pytest.raises(EdgeError, match="the fastest does"):
        within(Limits(**small, frames_hz=1e7), 10)


def test_a_front_by_hand() -> None:
    points = np.array([[0.2, 0.8], [0.5, 0.5], [0.5, 0.4], [0.6, 0.6], [0.9, 0.1]])
    assert front(points).tolist() == [0, 2, 4]
    area = 0.3 * 0.2 + 0.4 * 0.6 + 0.1 * 0.9
    assert hypervolume(points, (1.0, 1.0)) == pytest.approx(area)
    assert hypervolume(points + 1, (1.0, 1.0)) == 0


def test_a_hypervolume_is_what_random_darts_say() -> None:
    rng = np.random.default_rng(3)
    points, darts = rng.random((12, 2)), rng.random((20_000, 2))
    hit = (darts[:, None] >= points[None]).all(-1).any(1).mean()
    assert hypervolume(points, (1.0, 1.0)) == pytest.approx(hit, abs=0.015)


@pytest.fixture(scope="module")
def landscape() -> Candidates:
    space = every()[::4]
    places = np.stack([coordinates(one) for one in space])
    prices = places @ np.array([3, 2, 2, 2, 2, 2, 1, 1, 1.0])
    return Candidates(places, 0.1 + 0.9 * prices / prices.max(), 1.0)


def error(place: np.ndarray) -> float:
    """Some genes pay, others only cost."""
    return float(0.9 - 0.5 * place[3] - 0.2 * place[7] - 0.1 * place[3] * place[6])


@pytest.mark.parametrize("engine", ["evolution", "bayes"])
def test_both_engines_beat_chance_where_there_is_something_to_learn(
    landscape: Candidates, engine: Name
) -> None:
    def evaluate(one: int) -> float:
        return error(landscape.places[one])

    gained = []
    for seed in range(6):
        ours = search(engine, landscape, evaluate, 30, seed)
        chance = search("random", landscape, evaluate, 30, seed)
        assert len(ours) == len(chance) == 30
        assert list(ours)[:10] == list(chance)[:10]
        gained.append(landscape.area(ours) - landscape.area(chance))
    assert min(gained) > 0 if engine == "bayes" else np.mean(gained) > 0


def test_an_engine_ends_where_the_space_does(landscape: Candidates) -> None:
    few = Candidates(landscape.places[:15], landscape.costs[:15], 1.0)
    for engine in ("evolution", "bayes", "random"):
        found = search(engine, few, lambda one: 0.5, 40, 1)
        assert sorted(found) == list(range(15))


def test_prices_are_found_again_where_layers_cost_what_the_model_says() -> None:
    rng = np.random.default_rng(1)
    space = every()
    graphs = [skeleton(space[i], 32, 10) for i in rng.choice(4096, 12, replace=False)]

    def spent(graph: Graph) -> list[int]:
        return [
            round(2 * macs(graph, op) + 30 * graph.tensors[op.output].size + 100)
            for op in graph.operators
        ]

    each = [spent(graph) for graph in graphs]
    prices = fit(graphs[:8], each[:8])
    for graph, counted in zip(graphs[8:], each[8:], strict=True):
        assert prices.predict(graph) == pytest.approx(sum(counted), rel=0.01)
    assert {kind(op) for op in graphs[0].operators} <= set(prices.of)


def test_data_are_read_from_folders_and_arrays(tmp_path: Path) -> None:
    import cv2

    rng = np.random.default_rng(2)
    pictures = rng.integers(0, 256, (30, 32, 32), np.uint8)
    labels = np.repeat([3, 5], 15)
    np.savez(tmp_path / "set.npz", pictures=pictures, labels=labels)
    for label in (3, 5):
        (tmp_path / "set" / str(label)).mkdir(parents=True)
        for number, picture in enumerate(pictures[labels == label]):
            cv2.imwrite(str(tmp_path / "set" / str(label) / f"{number:02}.png"), picture)
    one, other = read(tmp_path / "set.npz"), read(tmp_path / "set")
    assert one.classes == 2 and one.learned.shape == (24, 32, 32) and one.asked.shape == (6, 32, 32)
    assert np.array_equal(one.learned, other.learned) and np.array_equal(one.wanted, other.wanted)
    taken = {picture.tobytes() for picture in one.learned}
    assert not taken & {picture.tobytes() for picture in one.asked}


def test_what_is_no_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EdgeError, match="no folders of pictures"):
        read(tmp_path)
    with pytest.raises(EdgeError, match="No such file"):
        read(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK not an archive")
    with pytest.raises(EdgeError, match=r"give \.npz"):
        read(tmp_path / "bad.npz")
    np.savez(tmp_path / "flat.npz", pictures=np.zeros(4), labels=np.zeros(4))
    with pytest.raises(EdgeError, match="pictures are uint8"):
        read(tmp_path / "flat.npz")
    with pytest.raises(EdgeError, match="two or more of 10"):
        split([np.zeros((3, 32, 32), np.uint8)] * 2)


def test_the_command_names_what_is_wrong(tmp_path: Path) -> None:
    from edge_deploy.cli import app

    def call(*words: object) -> object:
        return app(list(map(str, words)), exit_on_error=False, result_action="return_value")

    out = tmp_path / "out"
    with pytest.raises(EdgeError, match="No such file"):
        call("search", "--data", tmp_path / "none.npz", "--out", out)
    np.savez(
        tmp_path / "set.npz",
        pictures=np.zeros((30, 32, 32), np.uint8),
        labels=np.repeat([0, 1], 15),
    )
    words = ("search", "--data", tmp_path / "set.npz", "--out", out)
    with pytest.raises(EdgeError, match="nothing keeps within the limits"):
        call(*words, "--limit-macs", 10)
    with pytest.raises(EdgeError, match="budget"):
        call(*words, "--budget", 0)
    assert not out.exists()
