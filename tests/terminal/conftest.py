"""What tests of real terminals share."""

from pathlib import Path

import pytest
from homes import begin_used


@pytest.fixture
def home(home: Path, used_state: Path) -> Path:
    """Return SONGSMITH_HOME of this test alone, in which somebody has written before."""
    return begin_used(home, used_state)
