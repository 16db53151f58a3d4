"""The studio: what every face is handed. Holds the rooms, opens each when it is first needed."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

from songsmith.errors import storing
from songsmith.library.library import Library
from songsmith.model.device import available_processors
from songsmith.model.store import LoadedModel, ModelStore
from songsmith.paths import Paths, find_paths
from songsmith.settings import Settings


@dataclass(frozen=True)
class Studio:
    """The rooms of one user."""

    paths: Paths
    settings: Settings

    @classmethod
    def open(cls) -> Self:
        """Find the user's paths and settings. Touches nothing else."""
        paths = find_paths()
        return cls(paths, Settings.load(paths))

    @cached_property
    def models(self) -> ModelStore:
        """The installed models."""
        return ModelStore(self.paths)

    @cached_property
    def library(self) -> Library:
        """The songs and takes that are kept. Whoever uses it closes it: `with studio.library as library`."""
        return Library(self.paths.library)

    def load_model(self, name: str | None = None, device: str | None = None) -> LoadedModel:
        """Load a model; None means the one (and the device) the settings name."""
        return self.models.load(
            name or self.settings.model, device=device or self.settings.device, threads=self.settings.threads
        )

    def prepare_home(self) -> None:
        """Make sure that drafts can be kept, before anyone writes one.

        Raises:
            StorageError: the home cannot be written, or the library in it cannot be used.
        """
        for folder in (self.paths.data, self.paths.locks):
            with storing(folder):
                folder.mkdir(parents=True, exist_ok=True)
        self.library.drafts()

    def workshop_threads(self) -> int:
        """Return the CPU threads for writing beside an interface: one processor is left to the keys."""
        return self.settings.threads or max(1, available_processors() - 1)
