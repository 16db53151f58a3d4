"""Files that are not UTF-8: what they probably are is told, with a command that makes them right."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.corpus.formats.encodings import SAMPLE_BYTES, guess_encoding
from songsmith.corpus.formats.importers import Importer
from songsmith.corpus.formats.text_files import PipedInput
from songsmith.errors import InputError

TEXTS = {
    "fr": "Là-bas, l’été, le moulin n’a plus tourné\nÇa ira, mon cœur, à la fenêtre où tu rêvais\n",
    "de": "Über die Wälder weht der Wind\nUnd süße Träume grüßen mich\n",
    "es": "¿Dónde está la niña? ¡Qué canción!\nMañana será\n",
    "en": "I don’t know—you’re “mine”…\nThe wheel goes round\n",
    "pt": "Não sei, coração, manhã\n",
    "ru": "Привет, мельница\nВода бежит и Я пою\n",
    "ja": "水車がまわる\n流れる水よ\nカタカナ\n",
    "zh": "水车转呀转\n流水落呀落\n",
    "ko": "물레방아 돌아간다\n물이 흐른다\n",
    "pl": "Gdzieś tam młyn się kręci\nZażółć gęślą jaźń, świt\n",
    "cs": "Příliš žluťoučký kůň\n",
    "tw": "水車轉呀轉\n流水落呀落\n",
    "tr": "Bir şarkı söyle bana, gönlüm ağlıyor\nİçimde kış, gözümde yaş\n",
    "el": "Γυρίζει ο μύλος στο νερό\nκαι το τραγούδι της αγάπης\n",
    "he": "טחנת המים מסתובבת\nוהמים זורמים אל הים\n",
    "ar": "الطاحونة تدور مع الماء\nيا ليل يا عين\n",
    "th": "กังหันน้ำหมุนไป\nสายน้ำไหลริน รักเธอ\n",
}
KNOWN = [
    *((text, "WINDOWS-1252") for text in ("fr", "de", "es", "en", "pt")),
    *((text, "MACINTOSH") for text in ("fr", "de", "es", "en", "pt")),
    ("de", "CP850"), ("pl", "WINDOWS-1250"), ("cs", "WINDOWS-1250"), ("ru", "WINDOWS-1251"), ("ru", "KOI8-R"),
    ("ru", "CP866"), ("ru", "ISO-8859-5"), ("tr", "WINDOWS-1254"), ("el", "WINDOWS-1253"), ("he", "WINDOWS-1255"),
    ("ar", "WINDOWS-1256"), ("th", "CP874"), ("ja", "EUC-JP"), ("ja", "SHIFT_JIS"), ("zh", "GB18030"),
    ("ko", "EUC-KR"), ("tw", "BIG5"),
    *((text, name) for text in TEXTS for name in ("UTF-16", "UTF-32", "UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE")),
]  # fmt: skip


def encode(text: str, name: str) -> bytes:
    return text.encode({"MACINTOSH": "mac_roman"}.get(name, name))


@pytest.mark.parametrize(("text", "name"), KNOWN)
def test_the_advice_is_a_command_that_makes_the_file_right(tmp_path: Path, text: str, name: str):
    path = tmp_path / "a song.txt"
    path.write_bytes(encode(TEXTS[text], name))
    with pytest.raises(InputError, match=r"isn't UTF-8: byte \d+ is") as refusal:
        list(Importer(path).check())
    said = refusal.value.next_step
    assert said.startswith(f"It is probably {name}. Convert it first: iconv -f {name} -t UTF-8 ")
    command = said.partition(": ")[2].replace("NEW", str(tmp_path / "new.txt"))
    if sys.platform == "linux":
        subprocess.run(command, shell=True, check=True)
        assert (tmp_path / "new.txt").read_text(encoding="utf-8") == TEXTS[text]


def test_the_advice_for_a_packed_file_and_for_a_pipe(tmp_path: Path):
    path = tmp_path / "x.txt.gz"
    path.write_bytes(gzip.compress(encode(TEXTS["fr"], "MACINTOSH")))
    with pytest.raises(InputError, match=rf"gzip -dc {path} \| iconv -f MACINTOSH -t UTF-8 > NEW"):
        list(Importer(path).check())
    plain = tmp_path / "x.txt"
    plain.write_bytes(encode(TEXTS["fr"], "UTF-16LE"))
    with plain.open("rb") as stream:
        piped = PipedInput(stream)
    told = r"probably UTF-16LE.*iconv -f UTF-16LE -t UTF-8 FILE \| songsmith import - --corpus NAME"
    with pytest.raises(InputError, match=told):
        list(Importer(piped).check())
    piped.close()


@pytest.mark.parametrize("before", [0, 100_000, 2_000_000])
def test_the_guess_is_made_where_the_bad_byte_stands(tmp_path: Path, before: int):
    path = tmp_path / "x.txt"
    path.write_bytes(b"la la\n" * (before // 6) + encode(TEXTS["fr"], "MACINTOSH") * 3)
    with pytest.raises(InputError, match="It is probably MACINTOSH"):
        list(Importer(path).check())


def test_what_is_damaged_in_one_place_is_no_other_encoding(tmp_path: Path):
    path = tmp_path / "x.txt"
    path.write_bytes(TEXTS["fr"].encode() * 5 + b"\xff" + TEXTS["fr"].encode())
    with pytest.raises(InputError, match=r"Nearly all of it is\. Drop the damaged parts: iconv -c -f UTF-8 -t UTF-8"):
        list(Importer(path).check())


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_get_a_guess_or_none(sample: bytes, from_start: bool):
    assert isinstance(guess_encoding(sample, from_start=from_start), str)
    assert guess_encoding(sample + b"a" * SAMPLE_BYTES, from_start=from_start) is not None
