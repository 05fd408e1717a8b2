"""Why a job cannot be moved; each message names the cure."""

from __future__ import annotations

from common.errors import LingnanError


class MigrationError(LingnanError):
    """The job cannot be moved with what was shown."""


class TargetError(MigrationError):
    """The picture is not one of the calibration target that can be measured."""


class CalibrationError(MigrationError):
    """The target was found, and what was measured on it is not good enough."""


class ExposureError(MigrationError):
    """Good parts are clipped. `factor`: what to multiply exposure or gain by."""

    def __init__(self, clipped: float, before: float, factor: float) -> None:
        self.factor = factor
        super().__init__(
            f"{clipped:.1%} of the good parts' pixels are clipped, {before:.1%} were where the job "
            f"was taught: multiply exposure or gain by {factor:.3f} and take the frames again"
        )


class LampError(MigrationError):
    """A lamp that parts mirror stands otherwise. `kept`: what its mirror image keeps of its share
    in the light."""

    def __init__(self, kept: float) -> None:
        self.kept = kept
        super().__init__(
            f"the target's mirrors show {kept:.2f} of the light that they did where the job was "
            "taught, beside what its white shows: defects that differ from their part by what they "
            "mirror can vanish here. Wipe the mirrors, turn the coaxial lamp until they are "
            "brightest beside the white, and take the frames again"
        )


class TooFewPartsError(MigrationError):
    """So few good parts cannot tell whether the job holds here; more of them may."""
