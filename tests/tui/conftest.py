"""What tests of the workshop on a screen share."""

from pathlib import Path

import pytest
from fakes import ScriptedStudio
from homes import begin_used

from songsmith.paths import Paths
from songsmith.settings import Settings
from songsmith.studio.studio import Studio


@pytest.fixture
def home(home: Path, used_state: Path) -> Path:
    """Return SONGSMITH_HOME of this test alone, in which somebody has written before."""
    return begin_used(home, used_state)


@pytest.fixture
def studio(paths: Paths) -> ScriptedStudio:
    """Return a studio whose workshop is served by scripted engines."""
    studio = ScriptedStudio(paths, Settings(device="cpu"))
    studio.prepare_home()
    return studio


@pytest.fixture
def real_studio(paths: Paths) -> Studio:
    """Return a studio whose workshop is served by a real model in a process of its own."""
    studio = Studio(paths, Settings(device="cpu"))
    studio.prepare_home()
    return studio
