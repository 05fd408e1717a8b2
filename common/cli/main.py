"""The command `lingnan`: which commands there are, and what becomes of errors.

Commands are named as "module:function" and imported when they are called, so that `--help` is
quick and a broken one breaks nothing else.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from cyclopts import App, CycloptsError, Group

import common
from common.cli.interrupt import Interruption
from common.directions import Direction, installed
from common.errors import LingnanError

SHARED = {
    "accept": ("common.cli.accept:accept", "Measure indicators; write or verify a report."),
    "case-sheet": ("common.cli.casesheet:case_sheet", "Fill a sheet from a report's rows alone."),
    "serve": ("common.cli.serve:serve", "Serve the models, the directions and the dashboard."),
    "record": ("common.cli.streams:record", "Record a driver's samples to an MCAP file."),
    "replay": ("common.cli.streams:replay", "Replay a recording; tell what it holds."),
    "models": ("common.cli.models:models", "List the shipped models; check their files."),
    "doctor": ("common.cli.doctor:doctor", "Tell what is installed, what is missing, the cure."),
}
# of numpy's products: they are small here, and threads that wait for a busy core cost many times
# what they bring
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
ABOUT = "AI systems whose every acceptance indicator is a program that measures itself."

INTERRUPTED = 130  # 128 + SIGINT, as shells count
BROKEN_PIPE = 141  # 128 + SIGPIPE


def build() -> App:
    """The application with every shared command and the installed directions' own."""
    app = App(
        name="lingnan",
        help=ABOUT,
        version=common.__version__,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    shared, own = Group("Shared commands", sort_key=2), Group("Directions", sort_key=1)
    for name, (target, told) in SHARED.items():
        app.command(target, name=name, help=told, group=shared)
    for direction in installed():
        about = _described(direction)
        if about is not None:
            app.command(f"{direction.package}.cli:app", name=direction.name, help=about, group=own)
    return app


def _described(direction: Direction) -> str | None:
    """First line of a direction's docstring; None where it has no command or does not import."""
    try:
        if not direction.has("cli"):
            return None
    except Exception:  # a third party's package may fail in any way; `doctor` tells how
        return None
    return (sys.modules[direction.package].__doc__ or "").strip().partition("\n")[0]


def run(tokens: Sequence[str]) -> int:
    """Run one command line; the exit code. Errors a user can mend are printed, without a trace."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    with Interruption() as interruption:
        return _answered(tokens, interruption)


def _answered(tokens: Sequence[str], interruption: Interruption) -> int:
    try:
        result: Any = build()(list(tokens), exit_on_error=False)
        sys.stdout.flush()
    except CycloptsError:
        return 2  # cyclopts has printed what is wrong with the command line
    except LingnanError as error:
        print(f"lingnan: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"lingnan: {where}{error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        interruption.struck()
        print("lingnan: stopped", file=sys.stderr)
        return INTERRUPTED
    return result if isinstance(result, int) else 0


def main() -> None:
    """Entry point of the console script."""
    code = run(sys.argv[1:])
    if code == INTERRUPTED:  # what a compiler was cut off in crashes where it is finalised
        atexit._run_exitfuncs()
        with suppress(OSError):  # the reader of a pipe may have been interrupted too
            sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
