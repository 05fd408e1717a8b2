"""Pydantic's complaints in a line that a user can act on."""

from __future__ import annotations

from pydantic import ValidationError


def explain(error: ValidationError) -> str:
    """Each as `field: what is wrong`, in one line."""
    problems = (
        f"{'.'.join(str(part) for part in problem['loc']) or 'config'}: {problem['msg']}"
        for problem in error.errors(include_url=False)
    )
    return "; ".join(problems)
