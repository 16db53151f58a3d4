"""The user's settings: defaults < settings.toml < environment < flags. The faces apply the flags."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from songsmith.errors import UsageError, storing
from songsmith.files import NotRegularError, TooLargeError, read_regular, write_whole
from songsmith.options import check, declared, from_mapping, option, shown
from songsmith.paths import Paths

_LONGEST_BYTES = 16 << 10  # of some files, TOML takes seconds to read a few times as much
NO_MODEL = "none"
"""Said in place of a model's name."""
AUTO_THEME = "auto"
"""The theme that goes with the terminal."""
THEMES = (AUTO_THEME, "dark", "light")
"""What the workshop's colours can be set to."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Preferences that outlive a command. Each is a key of settings.toml and a SONGSMITH_ variable."""

    model: str = option("starter", help="Name of the model that writes unless another is asked for.", flag=None)
    device: str = option("auto", help="Where the model runs: auto, cpu, cuda, or mps.", flag=None)
    threads: int = option(
        0,
        help="CPU threads for generation; 0 lets songsmith choose.",
        minimum=0,
        maximum=1024,
        unit="threads",
        flag=None,
    )
    draft_model: str = option(NO_MODEL, help="Name of a smaller model for speculative decoding, or none.", flag=None)
    theme: str = option(
        AUTO_THEME, help="Colours of the workshop: dark, light, or auto for those that go with the terminal.", flag=None
    )

    def __post_init__(self) -> None:
        check(self)
        if self.theme not in THEMES:
            raise UsageError(f"There is no theme '{self.theme}'.", f"Use {', '.join(THEMES[:-1])} or {THEMES[-1]}.")
        if self.device.split(":")[0] not in ("auto", "cpu", "cuda", "mps"):
            raise UsageError(f"There is no device {shown(self.device)}.", "Use auto, cpu, cuda or mps.")

    @classmethod
    def load(cls, paths: Paths, environ: Mapping[str, str] | None = None) -> Self:
        """Read settings.toml (if there is one), then the environment over it.

        Raises:
            UsageError: for a file that is not TOML, an unknown key, or a value of the wrong kind.
        """
        file, variables = cls._layers(paths, environ)
        settings = from_mapping(cls, file, origin=str(paths.settings))
        for name, value in variables.items():
            settings = from_mapping(cls, {name: value}, usual=settings, origin=_variable(name))
        return settings

    @classmethod
    def origins(cls, paths: Paths, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return where the value of each setting comes from: a variable, settings.toml, or the default.

        Raises:
            UsageError: as `load` does.
        """
        file, variables = cls._layers(paths, environ)
        origins = dict.fromkeys((field.name for field in fields(cls)), "default")
        origins |= dict.fromkeys(file, str(paths.settings))
        return origins | {name: _variable(name) for name in variables}

    @classmethod
    def _layers(cls, paths: Paths, environ: Mapping[str, str] | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what settings.toml says, and what the environment says over it."""
        variables = os.environ if environ is None else environ
        found: dict[str, Any] = {}
        for field in fields(cls):
            value = variables.get(name := _variable(field.name))
            if value:
                try:
                    found[field.name] = int(value) if field.type is int else value
                except ValueError as error:
                    raise UsageError(
                        f"{name}: {shown(value)} isn't a whole number.", f"Use {declared(cls)[field.name].allowed}."
                    ) from error
        return _read_file(paths.settings), found


def _variable(setting: str) -> str:
    return f"SONGSMITH_{setting.upper()}"


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


def keep_setting(paths: Paths, name: str, value: str) -> None:
    """Write one setting into settings.toml, and leave all else in it as it stands, comments and all.

    Raises:
        UsageError: the file cannot be read, or sets this in a way that is not found here.
        StorageError: it cannot be written.
    """
    from_mapping(Settings, _read_file(paths.settings), origin=str(paths.settings))
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
