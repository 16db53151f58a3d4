"""The workshop beside damaged rows: it lists, opens and saves what can be read, and loses nothing of it."""

import tempfile
from contextlib import suppress
from pathlib import Path

from damaged_libraries import PLACES, TITLES, VALUES, damage, fill
from hypothesis import HealthCheck, given, settings

from songsmith.errors import SongsmithError
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.paths import Paths
from songsmith.songsheet.sheet import SheetFormat
from songsmith.studio.songs import compare, describe, grow_tree, render_sheets
from songsmith.studio.workshop import Workshop


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(PLACES, VALUES)
def test_no_damaged_value_stops_the_workshop(place: tuple[str, str], value: object):
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        paths = Paths(data=home, config=home, state=home / "state")
        fill(paths.library)
        if not damage(paths.library, *place, value, row=2):
            return
        with Library(paths.library) as library:
            workshop = Workshop(library, paths)
            entries = [*workshop.left_over_entries(), *library.entries()]
            assert len(entries) == 4
            for entry in entries:
                if not isinstance(entry, SongRecord):
                    continue
                takes = library.takes(entry.id)
                assert [*grow_tree(takes)] or not takes
                describe(entry, takes)
                for format in SheetFormat:
                    render_sheets([entry], format)
                workshop.open(entry)
                for row in range(3):
                    workshop.versions_at(row)
                    workshop.step(row, 1)
                workshop.type(f"{workshop.text}more")
                workshop.autosave()
                saved = workshop.save()
                assert saved.text.endswith("more")
                for revision in library.revisions(saved):
                    if isinstance(revision, SongRecord):
                        list(compare(revision, saved))
                with suppress(SongsmithError):  # that one is damaged, or was never saved before
                    workshop.open(saved, revision=1)
            workshop.close()
            texts = " ".join(song.text for song in library.songs())
            assert sum(title in texts for title in TITLES) >= 2
