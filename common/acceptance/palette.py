"""The report's colours: one name, one value in light and one in dark.

Text on `paper` has a contrast of at least 4.5 (WCAG 2.2, 1.4.3) in both; a test computes it.
"""

from __future__ import annotations

COLOURS: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#14171a"),
    "panel": ("#f5f6f7", "#1d2126"),
    "ink": ("#1a1d21", "#e4e7ea"),
    "muted": ("#59626c", "#9aa4ae"),
    "rule": ("#d8dce0", "#343a41"),
    "accent": ("#1b5e9e", "#79b4ea"),
    "met": ("#17693c", "#6fce97"),
    "on-track": ("#805400", "#e3b04b"),
    "not-met": ("#b3261e", "#f28b82"),
    "not-measured": ("#59626c", "#9aa4ae"),
    "target": ("#b3261e", "#f28b82"),
    "series-1": ("#1b5e9e", "#79b4ea"),
    "series-2": ("#b25a00", "#f0a35e"),
    "series-3": ("#17693c", "#6fce97"),
    "series-4": ("#7a3f98", "#cfa1e6"),
    "series-5": ("#00707a", "#5ec8d1"),
    "series-6": ("#8c3b52", "#ee9db2"),
}


def css() -> str:
    """The variables, for the system's choice of light or dark and for the reader's own."""
    light, dark = (
        "".join(f"--{name}:{pair[i]};" for name, pair in COLOURS.items()) for i in (0, 1)
    )
    return (
        f":root{{color-scheme:light;{light}}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light])"
        f"{{color-scheme:dark;{dark}}}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}"
        f"@media print{{:root:root:root{{color-scheme:light;{light}}}}}"
    )
