"""When the satellites say what: the timing of the navigation messages.

Layouts as broadcast: LNAV by IS-GPS-200N (20.3.2), I/NAV by OS SIS ICD 2.1 (4.3.3; seen in a 2025
recording with the same order), B-CNAV1 by BDS-SIS-ICD-B1C-1.0 (6.2). Times are GPS seconds; a
layout repeats every `cycle_s` from a GPS time that is a multiple of it, plus `shift_s`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from positioning.gnss.coldstart.codes import System
from positioning.gnss.coldstart.decoding import BCNAV1, INAV, LNAV, Coding


class Content(StrEnum):
    """What a message is good for at a cold start."""

    NOTHING = ""
    PART = "part"  # of an ephemeris
    WHOLE = "whole"  # an ephemeris in one message
    TIME = "time"  # of week alone


@dataclass(frozen=True, slots=True)
class Message:
    """start_s, end_s: within the cycle. part: which part of the ephemeris. has_time: of week."""

    start_s: float
    end_s: float
    content: Content
    part: int = 0
    has_time: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """needs: how many different parts make an ephemeris."""

    cycle_s: float
    shift_s: float
    coding: Coding
    needs: int
    messages: tuple[Message, ...]


def _lnav() -> Layout:
    three = tuple(Message(6.0 * i, 6.0 * i + 6, Content.PART, i + 1, True) for i in range(3))
    rest = tuple(Message(6.0 * i, 6.0 * i + 6, Content.TIME, has_time=True) for i in (3, 4))
    return Layout(30.0, 0.0, LNAV, 3, (*three, *rest))


INAV_WORDS = (2, 4, 6, 7, 8, 17, 19, 16, 0, 0, 1, 3, 5, 0, 16)
"""Word types of a sub-frame on E1-B, 2 s each; 7, 8, 17, 19 take turns with 9, 10, 18, 20."""


def _inav() -> Layout:
    """Word 16 is a reduced ephemeris; any four of words 1 to 4 and the parity words 17 to 20 give
    the whole one (Reed-Solomon)."""
    messages = []
    for i, word in enumerate(INAV_WORDS):
        content, part = Content.NOTHING, 0
        if word in (1, 2, 3, 4, 17, 19):
            content, part = Content.PART, word
        elif word == 16:
            content = Content.WHOLE
        elif word in (0, 5, 6):
            content = Content.TIME
        messages.append(Message(2.0 * i, 2.0 * i + 2, content, part, word in (0, 5, 6)))
    return Layout(30.0, 0.0, INAV, 4, tuple(messages))


def _bcnav1() -> Layout:
    """Sub-frame 2 holds the whole ephemeris and the hour, sub-frame 1 before it the rest."""
    return Layout(
        18.0, 14.0, BCNAV1, 1, (Message(0.0, 12.72, Content.WHOLE, has_time=True),)
    )  # BDT is GPS time less 14 s


LAYOUTS: dict[System, Layout] = {"G": _lnav(), "E": _inav(), "C": _bcnav1()}
