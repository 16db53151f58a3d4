"""What tests share: a home of their own, the starter model loaded once, and the command line as a real process."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import Songsmith, write_random_model
from hypothesis import settings

from songsmith.model.loading import LoadedModel
from songsmith.model.registry import ModelStore
from songsmith.paths import Paths, find_paths

# Started in the background, Ctrl-C is not heard; programs started here must hear it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Derandomized: a run that was green stays green. `--hypothesis-profile=search` looks where nobody has looked yet.
settings.register_profile("usual", deadline=None, max_examples=60, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile("usual")


LONG = ("benchmark", "generation", "terminal", "test_architecture.py", "training", "tui")
"""What takes longest in one piece, or waits most."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that nobody is left alone with it at the end."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(here).parts[0] not in LONG)


@pytest.fixture(scope="session", autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep every test, and every process it starts, away from the home and the preferences of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SONGSMITH_")]:
            patch.delenv(name)
        patch.setenv("SONGSMITH_HOME", str(tmp_path_factory.mktemp("home")))
        # Hundreds of processes are started: they should not compile the same modules each for itself.
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("SONGSMITH_DEVICE", "cpu")
        # Tests may run beside each other: two threads each on two processors would mostly wait.
        patch.setenv("SONGSMITH_THREADS", "1")
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return SONGSMITH_HOME of this test alone; nothing is there yet."""
    folder = tmp_path / "songsmith-home"
    monkeypatch.setenv("SONGSMITH_HOME", str(folder))
    return folder


@pytest.fixture
def paths(home: Path) -> Paths:
    """Return the paths of this test alone."""
    return find_paths()


@pytest.fixture(scope="session")
def starter() -> LoadedModel:
    """Return the starter model, loaded once for all tests."""
    return ModelStore(find_paths()).load("starter", device="cpu", threads=1)


@pytest.fixture(scope="session")
def used_state(starter: LoadedModel) -> Path:
    """Return what a home holds after its first song: the graph of the starter model, for other homes to begin with."""
    return find_paths().state


@pytest.fixture(scope="session")
def plain_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a plain model with random weights: what it writes is noise in the starter's alphabet."""
    return write_random_model(tmp_path_factory.mktemp("models") / "plain")


@pytest.fixture(scope="session")
def large_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a model whose file is so large that making it ready is announced; most of it is of no use."""
    return write_random_model(tmp_path_factory.mktemp("models") / "large", unused_bytes=2**26)


@pytest.fixture(scope="session")
def plain(plain_folder: Path) -> LoadedModel:
    """Return the plain model with random weights, loaded once for all tests."""
    return ModelStore(find_paths()).load(str(plain_folder), device="cpu", threads=1)


@pytest.fixture(scope="module")
def one_torch_thread() -> Iterator[None]:
    """Run torch on one thread: two on two busy processors mostly wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def songsmith() -> Songsmith:
    """Return the command line as a real process."""
    return Songsmith()
