"""The detector's graph cut at each place, over a real socket, with the link lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from common.types.detections import Detections
from positioning.video.detector import HEIGHT, NAMES, WIDTH, Detector, PictureError, decode
from positioning.video.link import RefusedError, Split, receive, send, serve
from positioning.video.partition import (
    CUTS,
    MAPS,
    Cut,
    PayloadError,
    after,
    before,
    packed,
    unpacked,
)

pytestmark = pytest.mark.positioning
VALUES = int(np.prod(MAPS))


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(threshold=0.02)


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    from positioning.sim.video.footage import scene_of
    from positioning.video.camera import Camera

    picture, _ = scene_of("clear", 5, 2.0, Camera()).render(1.0)
    return cv2.imencode(".jpg", picture)[1].tobytes()


@pytest.fixture
def far(detector: Detector) -> Iterator[tuple[str, int]]:
    """A far half."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening, detector), daemon=True).start()
        yield listening.getsockname()[:2]


def same(a: Detections, b: Detections) -> bool:
    return all(
        np.array_equal(getattr(a, part), getattr(b, part))
        for part in ("boxes_px", "scores", "labels")
    )


@pytest.mark.parametrize("cut", CUTS)
def test_both_halves_are_the_whole(detector: Detector, jpeg: bytes, cut: Cut) -> None:
    whole = detector.detect(decode(jpeg))
    assert len(whole)
    assert same(after(detector, before(detector, jpeg, cut), cut), whole)


@pytest.mark.parametrize("cut", ["input", "maps", "boxes"])
def test_a_payload_of_another_form_is_refused(detector: Detector, cut: Cut) -> None:
    for payload in (b"x", bytes(VALUES * 4 - 4)):
        with pytest.raises(PayloadError):
            after(detector, payload, cut)
    nothing = np.full(VALUES, np.nan, np.float32).tobytes()
    if cut == "maps":
        with pytest.raises(PayloadError, match="finite"):
            after(detector, nothing, cut)


def test_tables_that_hold_no_boxes_are_refused() -> None:
    good = np.array([[1, 2, 3, 4, 0.5, 2]], np.float32)
    assert unpacked(good.tobytes()).names == NAMES
    assert same(unpacked(packed(unpacked(good.tobytes()))), unpacked(good.tobytes()))
    for bad in ([[5, 2, 3, 4, 0.5, 2]], [[1, 2, 3, 4, 0.5, 9]], [[np.nan, 2, 3, 4, 0.5, 2]]):
        with pytest.raises(PayloadError):
            unpacked(np.array(bad, np.float32).tobytes())


def test_the_far_half_answers(detector: Detector, jpeg: bytes, far: tuple[str, int]) -> None:
    with Split("input", far, detector=detector, timeout_s=10.0) as split:
        answer = split.detect(jpeg)
    assert (answer.by, answer.sent) == ("far", 3 * HEIGHT * WIDTH)
    assert same(answer.found, detector.detect(decode(jpeg)))


def test_without_a_link_the_near_half_goes_on(detector: Detector, jpeg: bytes) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))  # taken, but nobody listens
        address = mute.getsockname()[:2]
        with Split("input", address, detector=detector, timeout_s=10.0, retry_s=0.0) as split:
            answer = split.detect(jpeg)
            assert (answer.by, answer.sent) == ("near", 0)
            assert "refused" in answer.why
            assert same(answer.found, detector.detect(decode(jpeg)))
            mute.listen()
            threading.Thread(target=serve, args=(mute, detector), daemon=True).start()
            assert split.detect(jpeg).by == "far", "tried again"


def test_a_late_answer_is_not_taken_for_the_next_frame(detector: Detector, jpeg: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:  # takes calls, never answers
        address = listening.getsockname()[:2]
        with Split("boxes", address, detector=detector, timeout_s=0.2, retry_s=99.0) as split:
            first, second = split.detect(jpeg), split.detect(jpeg)
    assert (first.by, second.by) == ("near", "near")
    assert "timed out" in first.why
    assert same(first.found, second.found)


def test_a_damaged_frame_is_told_and_keeps_the_link(detector: Detector, jpeg: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening, detector), daemon=True).start()
        address = listening.getsockname()[:2]
        with Split("jpeg", address, detector=detector, timeout_s=10.0, retry_s=99.0) as split:
            with pytest.raises(PictureError):
                split.detect(b"\xff\xd8\xff damaged")
            assert split.detect(jpeg).by == "far"


def test_a_far_half_refuses_endless_payloads(far: tuple[str, int]) -> None:
    with socket.create_connection(far, 5) as link:
        link.sendall(b"\xff\xff\xff\xff")
        assert link.recv(1) == b"", "closed"
    with socket.create_connection(far, 5) as link:
        for bad in (b"\x01short", b"\x09cut", b""):
            send(link, bad)
            with pytest.raises(RefusedError):
                receive(link)
