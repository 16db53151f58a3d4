"""The studio: what every face works with. Opens the library, models and corpora when they are first needed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

from songsmith.errors import storing
from songsmith.library.library import Library
from songsmith.machine import available_processors
from songsmith.model.device import choose_threads
from songsmith.model.loading import LoadedModel
from songsmith.model.registry import ModelStore
from songsmith.paths import Paths, find_paths
from songsmith.permissions import tighten
from songsmith.settings import NO_MODEL, Settings

if TYPE_CHECKING:
    from songsmith.corpus.storage.store import CorpusStore
    from songsmith.studio.engine_session import EngineClient


@dataclass(frozen=True)
class Studio:
    """The rooms of one user."""

    paths: Paths
    settings: Settings

    @classmethod
    def open(cls, *, model: str | None = None, device: str | None = None, draft_model: str | None = None) -> Self:
        """Find the user's paths and settings; close to others what in those paths is songsmith's. Touches nothing else.

        Args:
            model: overrides the settings' model, as a flag does.
            device: overrides the settings' device.
            draft_model: overrides the settings' draft model.
        """
        paths = find_paths()
        tighten(paths)
        settings = Settings.load(paths)
        settings = replace(
            settings,
            model=model or settings.model,
            device=device or settings.device,
            draft_model=draft_model or settings.draft_model,
        )
        return cls(paths, settings)

    @cached_property
    def models(self) -> ModelStore:
        """The installed models."""
        return ModelStore(self.paths)

    @cached_property
    def corpora(self) -> "CorpusStore":
        """The corpora on disk."""
        from songsmith.corpus.storage.store import CorpusStore

        return CorpusStore(self.paths)

    @cached_property
    def library(self) -> Library:
        """The songs and takes that are kept. Whoever uses it closes it: `with studio.library as library`."""
        return Library(self.paths.library)

    def load_model(self, *, exact: bool = False, preparing: Callable[[], None] = lambda: None) -> LoadedModel:
        """Load the model that the settings name, on their device.

        Args:
            exact: to measure it, not to write with it.
            preparing: told where that takes more than a moment, once for each model.
        """
        settings = self.settings
        return self.models.load(
            settings.model, device=settings.device, threads=settings.threads, exact=exact, preparing=preparing
        )

    def load_draft_model(
        self, target: LoadedModel, *, preparing: Callable[[], None] = lambda: None
    ) -> LoadedModel | None:
        """Load the draft model that the settings name; None if they name none, or tokens are not proposed there.

        Args:
            target: the model that writes.
            preparing: told where that takes more than a moment, once for each model.

        Raises:
            ModelError: it cannot be that model's draft model.
        """
        settings = self.settings
        if settings.draft_model == NO_MODEL or target.backend.device_name != "cpu":
            return None
        return self.models.load_draft(settings.draft_model, target, device=settings.device, preparing=preparing)

    def prepare_home(self) -> None:
        """Make sure that drafts can be kept, before anyone writes one.

        Raises:
            StorageError: the home cannot be written, or the library in it cannot be used.
        """
        for folder in (self.paths.data, self.paths.locks):
            with storing(folder):
                folder.mkdir(parents=True, exist_ok=True)
        self.library.drafts()

    def start_engine(self) -> "EngineClient":
        """Start a process that loads the model of the settings and writes with it beside an interface.

        Raises:
            SongsmithError: the model's files cannot be read.
            OSError: no process can be started.
        """
        from songsmith.generation.serving.client import EngineProcess

        settings = self.settings
        return EngineProcess(
            model=settings.model, device=settings.device, threads=self.workshop_threads(),
            draft_model=settings.draft_model, log=self.paths.engine_log,
        )  # fmt: skip

    def workshop_threads(self) -> int:
        """Return the CPU threads for writing beside an interface: one processor is left to the keys."""
        wanted = self.settings.threads or choose_threads(self.models.weights_bytes(self.settings.model))
        return max(1, min(wanted, available_processors() - 1))
