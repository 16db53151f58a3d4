"""What tests of the workshop on a screen share."""

import pytest

from songsmith.paths import Paths
from songsmith.settings import Settings
from songsmith.studio.studio import Studio


@pytest.fixture
def studio(paths: Paths) -> Studio:
    studio = Studio(paths, Settings(device="cpu"))
    studio.prepare_home()
    return studio
