"""`songsmith` without arguments: open the workshop."""

import gc
import sys

from songsmith.errors import UsageError


def open_workshop(model: str | None = None, device: str | None = None) -> None:
    """Open the workshop on this terminal, and exit with its code: 0, or 128 + the number of the signal that ended it.

    Raises:
        UsageError: this is no terminal.
        SongsmithError: the model is unknown, or the library cannot be used; said before the screen is taken.
    """
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError("The workshop needs a terminal.", "To write to a pipe or a file, use: songsmith gen")
    # What is imported stays: collecting garbage on the way would only walk it, a dozen times, before the first paint.
    gc.disable()

    from songsmith.studio.studio import Studio

    studio = Studio.open(model=model, device=device)
    studio.models.find(studio.settings.model)
    studio.prepare_home()

    from songsmith.tui.app import SongsmithApp

    app = SongsmithApp(studio)
    app.run()
    sys.exit(app.return_code)
