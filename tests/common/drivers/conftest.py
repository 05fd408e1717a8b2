"""Examples may take as long as a busy machine makes them: what is tested here is not speed."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
