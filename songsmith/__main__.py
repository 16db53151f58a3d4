"""Entry point of `songsmith` and `python -m songsmith`. Holds no logic of its own."""

import os
import sys

from songsmith.cli.utf8 import ensure_utf8
from songsmith.permissions import keep_private


def main() -> None:
    """Open the workshop, or run the command line."""
    ensure_utf8()
    keep_private()
    try:
        # A shell that asks for completions gives no arguments either.
        if len(sys.argv) == 1 and "_SONGSMITH_COMPLETE" not in os.environ:
            # Nothing to parse. Typer, and the pydantic it parses with, would take a third of the time to the first paint.
            from songsmith.cli import console
            from songsmith.cli.workshop import open_workshop
            from songsmith.memory import prepare_memory

            console.prepare_streams()
            with console.ending_errors():
                prepare_memory()
                open_workshop()
        else:
            from songsmith.cli.app import app

            app(prog_name="songsmith")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
