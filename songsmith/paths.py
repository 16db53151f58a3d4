"""Every location on disk. Names places; creates, reads and writes nothing."""

import os
from dataclasses import dataclass
from pathlib import Path


class _Place:
    """A property of `Paths`: a location under one of its folders."""

    def __init__(self, folder: str, name: str, about: str) -> None:
        self._folder, self._name, self.__doc__ = folder, name, about

    def __get__(self, paths: "Paths", owner: type["Paths"]) -> Path:
        folder: Path = getattr(paths, self._folder)
        return folder / self._name


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where songsmith keeps things."""

    data: Path
    """What must not be lost: the library, the corpora and the user's models."""
    config: Path
    """What the user wrote: settings.toml, and a token."""
    state: Path
    """What may be thrown away while songsmith is not running: logs and locks."""
    named: bool = True
    """Whether the user named the folder, which may hold other things then; else it is songsmith's alone."""

    library = _Place("data", "library.sqlite3", "The SQLite file with songs and takes.")
    models = _Place("data", "models", "One folder for each of the user's models.")
    corpora = _Place("data", "corpora", "One folder for each corpus.")
    tokenizers = _Place("data", "tokenizers", "One folder for each tokenizer that was trained by itself.")
    training = _Place("data", "training", "One folder for each unfinished training run, with its checkpoint.")
    settings = _Place("config", "settings.toml", "The user's settings.toml.")
    genius_token = _Place("config", "genius-token", "The user's token for Genius, where there is no system keyring.")
    locks = _Place("state", "locks", "One lock for each open draft, and for each corpus that is written to.")
    graphs = _Place("state", "graphs", "One folder for each model: what was made of it to run it fast.")
    weight_hashes = _Place("state", "weight-hashes.json", "The hashes of models' weights, computed once.")
    engine_log = _Place("state", "engine.log", "What the generating process wrote to its standard error.")

    @property
    def starter(self) -> Path:
        """The model that comes with the package."""
        return Path(__file__).parent / "model" / "starter"

    @property
    def gpt2_tokenizer(self) -> Path:
        """GPT-2's own vocabulary, which comes with the package."""
        return Path(__file__).parent / "model" / "gpt2_bpe"


def find_paths() -> Paths:
    """Return the user's paths: under SONGSMITH_HOME if it is set, else where the platform keeps such things."""
    home = os.environ.get("SONGSMITH_HOME")
    if home:
        # Not Path.expanduser, which fails for a user that is not there.
        root = Path(os.path.expanduser(home)).absolute()  # noqa: PTH111
        return Paths(data=root, config=root, state=root / "state")
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("songsmith", appauthor=False)
    return Paths(data=dirs.user_data_path, config=dirs.user_config_path, state=dirs.user_state_path, named=False)
