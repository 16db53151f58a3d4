"""The colours of the workshop, dark and light. Every text on every ground has a contrast of 4.5:1 at least, as WCAG 2 asks."""

from collections.abc import Mapping

from textual.theme import Theme

from songsmith.errors import SongsmithError
from songsmith.paths import Paths
from songsmith.settings import AUTO_THEME, keep_setting

DARK = Theme(
    name="dark",
    primary="#0178d4",
    secondary="#004578",
    accent="#ffa62b",
    warning="#ffa62b",
    error="#ba3c5b",
    success="#4ebf71",
    foreground="#e0e0e0",
    variables={
        "block-cursor-background": "#004578",
        "text-muted": "#b4b4b4",
        "text-disabled": "#b4b4b4",
        "text-error": "#f0a9b8",
    },
)
LIGHT = Theme(
    name="light",
    primary="#004578",
    secondary="#0178d4",
    accent="#7a4200",
    warning="#7a4200",
    error="#a3213f",
    success="#1a6b35",
    foreground="#1c1c1c",
    background="#efefef",
    surface="#f7f7f7",
    panel="#e2e2e2",
    dark=False,
    variables={
        "block-cursor-background": "#b5d3ea",
        "block-cursor-foreground": "#1c1c1c",
        "text-muted": "#4a4a4a",
        "text-disabled": "#4a4a4a",
    },
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT)}


def choose_theme(name: str, environ: Mapping[str, str]) -> str:
    """Return the theme that a setting means: for `auto`, the one that matches the terminal's background.

    Terminals are not asked: one that answers late would have its answer typed into the draft. Those that tell by themselves set
    COLORFGBG, such as `15;0` (rxvt, Konsole, iTerm2); under others it is dark.
    """
    if name != AUTO_THEME:
        return name
    return LIGHT.name if environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15") else DARK.name


def remember_theme(paths: Paths, name: str, environ: Mapping[str, str]) -> str:
    """Write a theme that was chosen into the settings, and return what to tell about it."""
    try:
        keep_setting(paths, "theme", name)
    except SongsmithError as error:
        return f"Theme: {name}, this time only. {error}"
    if environ.get("SONGSMITH_THEME", name) != name:
        return f"Theme: {name}, this time only; SONGSMITH_THEME sets another."
    return f"Theme: {name}"
