"""`lingnan serve`: the service and its dashboard."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from common.cli.accept import OUT
from common.errors import LingnanError

MAX_TOKEN_BYTES = 4096


def serve(
    *,
    host: Annotated[str, Parameter(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="port; 0 takes a free one")] = 8765,
    token_file: Annotated[
        Path | None, Parameter(help="file that holds the token; a new token without")
    ] = None,
    keep_token: Annotated[
        bool, Parameter(negative="", help="keep the token in the state folder for the next start")
    ] = False,
    state_dir: Annotated[Path | None, Parameter(help="folder of records, jobs and token")] = None,
    report: Annotated[
        Path | None, Parameter(help=f"acceptance report to show; {OUT} where it is there")
    ] = None,
    allow_host: Annotated[
        tuple[str, ...], Parameter(help="a further name by which the server is reached")
    ] = (),
) -> None:
    """Serve until Ctrl-C or SIGTERM; the address with the token is printed once."""
    from common.service.run import serve as run

    if not 0 <= port <= 65535:
        raise LingnanError(f"--port must be within 0..65535, got {port}")
    if state_dir is not None:
        os.environ["LINGNAN_STATE"] = str(state_dir)  # the directions' folders lie there too
    if report is None and (OUT / "acceptance.json").is_file():
        report = OUT
    run(
        host,
        port,
        token=_token(token_file),
        keep_token=keep_token,
        state_dir=state_dir,
        report=report,
        allow_hosts=allow_host,
    )


def _token(path: Path | None) -> str | None:
    """The token a file holds: on the command line every user of the machine could read it."""
    if path is None:
        return None
    if not path.is_file() or path.stat().st_size > MAX_TOKEN_BYTES:
        raise LingnanError(f"{path} is no file with a token (one line)")
    try:
        return path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise LingnanError(f"{path} is not text: {error}") from error
