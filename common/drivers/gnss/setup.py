"""Configuration of u-blox receivers of generation 9 and later: which messages, how often.

Written to RAM alone (u-blox ZED-F9P interface description, CFG-VALSET), through pyubx2.
"""

from __future__ import annotations

from common.errors import MissingExtraError

_RAM = 1
_ACK, _NAK = b"\x05\x01", b"\x05\x00"
_PORTS = ("UART1", "UART2", "USB")
_MESSAGES = ("RAWX", "SFRBX")


def messages(rate_hz: float) -> list[bytes]:
    """UBX frames that switch RXM-RAWX and RXM-SFRBX on for every port and set the rate."""
    try:
        from pyubx2 import UBXMessage
    except ImportError as error:
        raise MissingExtraError("pyubx2", "gnss") from error
    wanted = [("CFG_RATE_MEAS", round(1000 / rate_hz)), ("CFG_RATE_NAV", 1)]
    wanted += [(f"CFG_MSGOUT_UBX_RXM_{kind}_{port}", 1) for kind in _MESSAGES for port in _PORTS]
    wanted += [(f"CFG_{port}OUTPROT_UBX", 1) for port in _PORTS]
    return [UBXMessage.config_set(_RAM, 0, [entry]).serialize() for entry in wanted]


def acknowledged(frame: bytes, asked: bytes) -> bool | None:
    """True or False when the frame takes or refuses the message (class and id) `asked`."""
    if frame[:2] != b"\xb5\x62" or frame[2:4] not in (_ACK, _NAK) or frame[6:8] != asked:
        return None
    return frame[2:4] == _ACK
