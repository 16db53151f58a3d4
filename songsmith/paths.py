"""Every location on disk. Names places; creates, reads and writes nothing."""

import os
from dataclasses import dataclass
from pathlib import Path


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

    @property
    def library(self) -> Path:
        """The SQLite file with songs and takes."""
        return self.data / "library.sqlite3"

    @property
    def models(self) -> Path:
        """One folder for each of the user's models."""
        return self.data / "models"

    @property
    def corpora(self) -> Path:
        """One folder for each corpus."""
        return self.data / "corpora"

    @property
    def tokenizers(self) -> Path:
        """One folder for each tokenizer that was trained by itself."""
        return self.data / "tokenizers"

    @property
    def training(self) -> Path:
        """One folder for each training run that is not finished: its last checkpoint and its best weights."""
        return self.data / "training"

    @property
    def settings(self) -> Path:
        """The user's settings.toml."""
        return self.config / "settings.toml"

    @property
    def genius_token(self) -> Path:
        """The user's token for Genius, where there is no system keyring to keep it."""
        return self.config / "genius-token"

    @property
    def locks(self) -> Path:
        """One lock for each draft that is open in a workshop, and for each corpus that is written to."""
        return self.state / "locks"

    @property
    def graphs(self) -> Path:
        """One folder for each model: what was made of it to run it fast."""
        return self.state / "graphs"

    @property
    def weight_hashes(self) -> Path:
        """The hashes of models' weights, so that they are worked out once."""
        return self.state / "weight-hashes.json"

    @property
    def engine_log(self) -> Path:
        """What the generating process wrote to its standard error."""
        return self.state / "engine.log"

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
