"""`songsmith settings`: every setting, where its value comes from, and where songsmith stores things."""

from typing import Annotated

import typer

from songsmith.cli import console
from songsmith.safe_text import json_row


def show_settings(as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False) -> None:
    """Show your settings, where each one comes from, and where files are kept."""
    from songsmith.studio.preferences import describe_settings
    from songsmith.studio.studio import Studio

    told = describe_settings(Studio.open())
    if as_json:
        console.write(json_row(told))
        return
    rows = [(name, str(setting["value"]), str(setting["from"])) for name, setting in told["settings"].items()]
    console.show_table(("Setting", "Value", "From"), rows)
    console.show_table(("Kept in", "Path"), list(told["paths"].items()))
