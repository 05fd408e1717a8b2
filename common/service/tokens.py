"""The secret a caller shows: made, kept, compared.

A new token is made at every start and printed once. Where a fixed one is asked for it lies in
`state_dir/token`, readable by its owner alone. The browser's cookie holds a value derived from
the token, since cookies of one host are sent to every port of it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from pathlib import Path

from common.errors import LingnanError

_SHAPE = re.compile(r"[A-Za-z0-9_-]{16,128}")  # survives a URL, a header and a shell unquoted


class TokenError(LingnanError):
    """A token is too weak, or its file is not the owner's alone."""


def new_token() -> str:
    """256 random bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def check(token: str) -> str:
    """The token itself; TokenError when it is short or holds other than letters, digits, - _."""
    if not _SHAPE.fullmatch(token):
        raise TokenError("a token is 16 to 128 letters, digits, '-' or '_'")
    return token


def kept_token(state_dir: Path, token: str | None = None) -> str:
    """The token of `state_dir/token`; made there, mode 0600, when absent or when one is given."""
    path = state_dir / "token"
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if token is None and os.path.lexists(path):
        return _read(path)
    token = check(token or new_token())
    draft = state_dir / f".token-{secrets.token_hex(8)}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token + "\n")
    draft.replace(path)  # whole or not at all, and never through a link that stands there
    return token


def _read(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise TokenError(f"{path}: {error.strerror}; remove it to have a new one made") from None
    with os.fdopen(descriptor) as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode) or state.st_mode & 0o077 or state.st_uid != os.getuid():
            raise TokenError(f"{path} must be a plain file of your own: chmod 600 {path}")
        return check(file.read(200).strip())


def session(token: str) -> str:
    """The cookie's value; it opens what the token opens and does not give the token away."""
    return hmac.new(token.encode(), b"lingnan browser session", hashlib.sha256).hexdigest()


def same(shown: str, wanted: str) -> bool:
    """Compare in constant time; any text may be shown."""
    return hmac.compare_digest(shown.encode("utf-8", "surrogateescape"), wanted.encode())
