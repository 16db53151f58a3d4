"""What the user prefers: defaults < settings.toml < environment < flags. Flags are the faces' to lay over."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from songsmith.errors import UsageError, storing
from songsmith.files import NotRegularError, TooLargeError, read_regular, write_whole
from songsmith.paths import Paths

_LONGEST_BYTES = 16 << 10  # of some files, TOML takes seconds to read a few times as much
_LONGEST_SHOWN = 80
NO_MODEL = "none"
"""Said in place of a model's name."""
AUTO_THEME = "auto"
"""The theme that goes with the terminal."""
THEMES = (AUTO_THEME, "dark", "light")
"""What the workshop's colours can be set to."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Preferences that outlive a command. Each is a key of settings.toml and a SONGSMITH_ variable."""

    model: str = "starter"
    """Name of the model that writes unless another is asked for."""
    device: str = "auto"
    """Where the model runs: auto, cpu, cuda, or mps."""
    threads: int = 0
    """CPU threads for generation; 0 lets songsmith choose."""
    draft_model: str = NO_MODEL
    """Name of a smaller model that guesses for the one that writes, or none."""
    theme: str = AUTO_THEME
    """Colours of the workshop: dark, light, or auto for those that go with the terminal."""

    def __post_init__(self) -> None:
        if self.theme not in THEMES:
            raise UsageError(f"There is no theme '{self.theme}'.", f"Use {', '.join(THEMES[:-1])} or {THEMES[-1]}.")
        if self.device.split(":")[0] not in ("auto", "cpu", "cuda", "mps"):
            raise UsageError(f"There is no device '{_short(self.device)}'.", "Use auto, cpu, cuda or mps.")
        if not 0 <= self.threads <= 1024:
            raise UsageError(
                f"{self.threads} threads is out of range.", "Use a number from 1 to 1024, or 0 to let songsmith choose."
            )

    @classmethod
    def load(cls, paths: Paths, environ: Mapping[str, str] | None = None) -> Self:
        """Read settings.toml (if there is one), then the environment over it.

        Raises:
            UsageError: for a file that is not TOML, an unknown key, or a value of the wrong kind.
        """
        file, variables = cls._layers(paths, environ)
        return cls()._over(file, str(paths.settings))._over(variables, "the environment")

    @classmethod
    def origins(cls, paths: Paths, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return where the value of each setting comes from: a variable, settings.toml, or the default.

        Raises:
            UsageError: as `load` does.
        """
        file, variables = cls._layers(paths, environ)
        origins = dict.fromkeys((field.name for field in fields(cls)), "default")
        origins |= dict.fromkeys(file, str(paths.settings))
        return origins | {name: f"SONGSMITH_{name.upper()}" for name in variables}

    @classmethod
    def _layers(cls, paths: Paths, environ: Mapping[str, str] | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what settings.toml says, and what the environment says over it."""
        variables = os.environ if environ is None else environ
        found: dict[str, Any] = {}
        for field in fields(cls):
            value = variables.get(name := f"SONGSMITH_{field.name.upper()}")
            if value:
                try:
                    found[field.name] = int(value) if field.type is int else value
                except ValueError as error:
                    raise UsageError(
                        f"{name}={_short(value)} isn't a whole number.", f"Unset {name}, or correct it."
                    ) from error
        return _read_file(paths.settings), found

    def _over(self, values: Mapping[str, Any], origin: str) -> Self:
        known = {field.name: field.type for field in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise UsageError(
                    f"{origin} sets '{_short(name)}', which isn't a setting.", f"The settings are {', '.join(known)}."
                )
            if type(value) is not known[name]:
                raise UsageError(f"{origin} gives '{name}' a value of the wrong kind.", "See Settings in the README.")
        return replace(self, **values)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        text = _read_bounded(path)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} isn't valid TOML: {error}.", "Fix it, or move it away.") from error
    except OSError as error:
        if os.path.lexists(path):  # else there is none, nor could there be where the home is no folder
            raise UsageError(f"{path} can't be read: {error.strerror}.", "Fix it, or move it away.") from error
        return {}
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError(f"{path} isn't valid TOML: it is nested too deeply.", "Fix it, or move it away.") from None
    except ValueError as error:  # no TOML, or a number of too many digits
        raise UsageError(f"{path} isn't valid TOML: {error}.", "Fix it, or move it away.") from error


def _read_bounded(path: Path) -> str:
    """Return the text of a file of settings. A pipe or a device might never end, and a huge file holds no settings.

    Raises:
        UsageError: it is neither a file nor absent, or too large.
        OSError: it is absent, or cannot be read.
        UnicodeDecodeError: it is not UTF-8.
    """
    try:
        return read_regular(path, most_bytes=_LONGEST_BYTES).decode("utf-8")
    except NotRegularError as error:
        raise UsageError(f"{path} can't be read: it isn't a regular file.", "Move it away.") from error
    except TooLargeError as error:
        raise UsageError(
            f"{path} is too large for a settings file ({error.size_bytes >> 10} kB).", "Fix it, or move it away."
        ) from error


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}…"


def keep_setting(paths: Paths, name: str, value: str) -> None:
    """Write one setting into settings.toml, and leave all else in it as it stands, comments and all.

    Raises:
        UsageError: the file cannot be read, or sets this in a way that is not found here.
        StorageError: it cannot be written.
    """
    Settings()._over(_read_file(paths.settings), str(paths.settings))
    import tomllib

    with storing(paths.settings):
        path = paths.settings.resolve()  # it may be a link to a file kept elsewhere, and stays one
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        was = tomllib.loads(text)
        there = re.compile(rf"""^([ \t]*["']?{name}["']?[ \t]*=[ \t]*)("[^"\n]*"|'[^'\n]*')""", re.MULTILINE)
        setting = json.dumps(value, ensure_ascii=False)
        new = there.sub(lambda found: found[1] + setting, text) if name in was else f"{name} = {setting}\n{text}"
        try:
            understood = tomllib.loads(new) == was | {name: value}
        except tomllib.TOMLDecodeError:
            understood = False
        if not understood:
            raise UsageError(f"{path} sets '{name}' in an unusual way.", f"Set {name} = {setting} there by hand.")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, new.encode("utf-8"), mode=path.stat().st_mode & 0o777 if path.exists() else None)
