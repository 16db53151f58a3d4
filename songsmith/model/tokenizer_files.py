"""Check the tokenizer files of a model directory before the tokenizers library builds anything from them.

A pattern may take longer than anyone waits, parts may hold parts without end, and what the library cannot stomach ends in a
panic, which no `except Exception` sees. So only parts and patterns that are known here are let through.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex
from tokenizers import Tokenizer as RustTokenizer

from songsmith.errors import ModelError
from songsmith.markup import END
from songsmith.model.plain_files import parse_json, read_json, read_plain

_MOST_BYTES = 24 * 2**20
"""The largest of byte-level tokenizers in wide use, with 128,000 entries, has 17 MB."""
MOST_ENTRIES = 2**18
"""Most entries of a vocabulary that is read, or learned."""
_MOST_MERGES = 2**19
_MOST_ADDED, _MOST_ADDED_CHARACTERS = 10_000, 200_000
_MOST_ID = 2**24
_MOST_PARTS = 8
_NEXT_STEP = "Download or export it again."

_PARTS = {
    # What makes a text longer, such as Replace, could make it longer than any memory, time after time.
    "normalizer": ("normalizers", {"ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "StripAccents"}),
    "pre_tokenizer": ("pretokenizers", {"ByteLevel", "Digits", "Punctuation", "Split", "Whitespace", "WhitespaceSplit"}),
}  # fmt: skip
"""For each part: where a Sequence keeps its members, and the kinds that are known."""

_ENDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SPACES = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
_QWEN = rf"{_ENDS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*{_SPACES}"
_PATTERNS = {
    # GPT-2.
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    # cl100k of GPT-4, which Llama 3 took over, and Qwen with single digits.
    rf"{_ENDS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*{_SPACES}",
    _QWEN,
    # o200k of GPT-4o.
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_ENDS}?|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_ENDS}?"
    rf"|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*{_SPACES}",
    # Digits, as many models set them apart.
    r"\p{N}", r"\p{N}{1,3}", r"\d", r"[0-9]",
}  # fmt: skip
"""Patterns of byte-level tokenizers in wide use, none of which takes much longer on one text than on another of its length."""

_BYTE_LEVEL_CLASSES = (
    "GPT2Tokenizer",
    "Qwen2Tokenizer",
    "CodeGenTokenizer",
    "GPTNeoXTokenizer",
    "PreTrainedTokenizerFast",
    "TokenizersBackend",
)
"""Begin the names of tokenizers in transformers whose vocab.json and merges.txt are those of byte-level BPE."""
_SPECIAL_KEYS = (
    "bos_token",
    "eos_token",
    "unk_token",
    "pad_token",
    "additional_special_tokens",
    "extra_special_tokens",
)
_FLAGS = ("special", "normalized", "lstrip", "rstrip", "single_word")


def load_tokenizer_files(folder: Path) -> RustTokenizer:
    """Load tokenizer.json of a model directory, or the vocab.json and merges.txt of older ones.

    Raises:
        ModelError: there is neither, or they cannot be read, or are not byte-level BPE as it is known here.
    """
    with _refusing(folder):
        try:
            content = read_plain(folder / "tokenizer.json", most_bytes=_MOST_BYTES)
        except FileNotFoundError:
            return _load_gpt2_files(folder)
        values = parse_json(content)
        changed = _check(values, folder)
        return RustTokenizer.from_str(json.dumps(values) if changed else content.decode("utf-8"))


@contextmanager
def refusing_panics() -> Iterator[None]:
    """Turn a panic of the tokenizers library, which is no Exception, into a ModelError.

    Raises:
        ModelError: the library panicked.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ModelError(
            "The tokenizer failed on this text.", "Choose another model, or remove unusual characters from the text."
        ) from error


@contextmanager
def _refusing(folder: Path) -> Iterator[None]:
    try:
        with refusing_panics():
            yield
    except ModelError:
        raise
    except Exception as error:  # the library raises bare Exceptions
        reason = " ".join(f"{error or type(error).__name__}".split())[:200]
        raise ModelError(f"The tokenizer in {folder} can't be read: {reason}.", _NEXT_STEP) from error


def _check(values: Any, folder: Path) -> bool:
    """Make sure of the parts of a tokenizer.json, and put those in order that only matter to others.

    Returns:
        Whether anything was changed.
    """
    if not isinstance(values, dict) or not isinstance(values.get("model"), dict):
        raise ValueError("it isn't a tokenizer.json")
    model = values["model"]
    _check_ids(model.get("vocab"), values.get("added_tokens"))
    if len(model.get("merges") or ()) > _MOST_MERGES:
        raise ValueError("it has too many merges")
    parts = [part for name in _PARTS for part in _list_parts(values.get(name), name, folder)]
    # Each turns every byte into a character: two would do it twice.
    levels = sum(part["type"] == "ByteLevel" for part in parts)
    adds = any(model.get(key) for key in ("continuing_subword_prefix", "end_of_word_suffix"))
    if model.get("type", "BPE") != "BPE" or levels != 1 or adds:
        raise ModelError(
            f"The tokenizer in {folder} isn't byte-level BPE.", "Choose a model whose tokenizer is, such as GPT-2."
        )
    changed = False
    for holder, key, value in (
        (values, "post_processor", None),  # adds marks of its own, which are never asked for here
        (values, "decoder", {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}),
        (model, "dropout", None),  # draws how a text is cut
    ):
        if holder.get(key) != value and not (key == "decoder" and _is_byte_level(holder.get(key))):
            holder[key], changed = value, True
    return changed


def _is_byte_level(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "ByteLevel"


def _list_parts(part: Any, name: str, folder: Path) -> list[dict[str, Any]]:
    """Return the single parts of a normalizer or pre-tokenizer, all of which are known."""
    key, kinds = _PARTS[name]
    if part is None:
        return []
    members = part[key] if isinstance(part, dict) and part.get("type") == "Sequence" else [part]
    if not isinstance(members, list) or len(members) > _MOST_PARTS:
        raise ValueError(f"its {name} has too many parts")
    for member in members:
        kind = member.get("type") if isinstance(member, dict) else None
        pattern = member.get("pattern") if isinstance(member, dict) else None
        if not isinstance(kind, str) or kind not in kinds:
            raise ModelError(
                f"The tokenizer in {folder} has a {name.replace('_', '-')} of a kind that songsmith doesn't know.",
                "Choose another model.",
            )
        if isinstance(pattern, dict) and "Regex" in pattern and pattern["Regex"] not in _PATTERNS:
            raise ModelError(
                f"The tokenizer in {folder} splits text by a pattern that songsmith doesn't know.",
                "Choose another model: such a pattern might take forever.",
            )
    return members


def _check_ids(entries: Any, added: Any) -> None:
    if not isinstance(entries, dict) or len(entries) > MOST_ENTRIES:
        raise ValueError("it has no vocabulary, or one that is too large")
    added = added or []
    if len(added) > _MOST_ADDED or sum(len(token["content"]) for token in added) > _MOST_ADDED_CHARACTERS:
        raise ValueError("it adds too many tokens")
    for token in (*entries.values(), *(token["id"] for token in added)):
        if type(token) is not int or not 0 <= token < _MOST_ID:
            raise ValueError(f"{token!r} isn't a valid token id")


def _load_gpt2_files(folder: Path) -> RustTokenizer:
    from tokenizers.decoders import ByteLevel as ByteLevelDecoder
    from tokenizers.models import BPE
    from tokenizers.normalizers import NFC
    from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split

    try:
        entries = read_json(folder / "vocab.json", most_bytes=_MOST_BYTES)
        text = read_plain(folder / "merges.txt", most_bytes=_MOST_BYTES).decode("utf-8")
    except FileNotFoundError:
        raise ModelError(
            f"{folder} has no tokenizer.", "Put tokenizer.json, or vocab.json and merges.txt, next to the weights."
        ) from None
    settings = _read_settings(folder / "tokenizer_config.json")
    kind = str(settings.get("tokenizer_class") or "GPT2Tokenizer")
    if not kind.startswith(_BYTE_LEVEL_CLASSES):
        raise ModelError(
            f"The tokenizer in {folder} is a {kind[:80]!r}, which songsmith reads only from a tokenizer.json.",
            "Load it with transformers' AutoTokenizer and save_pretrained() it again: that writes one.",
        )
    added = _list_added_tokens(folder, settings)
    _check_ids(entries, [{"content": token.content, "id": wanted or 0} for token, wanted in added])
    lines = (line for line in text.split("\n") if line and not line.startswith("#version"))
    merges: list[tuple[str, str]] = []
    for line in lines:
        left, _, right = line.rstrip("\r").partition(" ")
        merges.append((left, right))
    if len(merges) > _MOST_MERGES:
        raise ValueError("it has too many merges")
    rust = RustTokenizer(BPE(entries, merges))
    spaced = settings.get("add_prefix_space") is True
    if kind.startswith("Qwen2"):
        rust.normalizer = NFC()
        parts = [Split(Regex(_QWEN), "isolated"), ByteLevel(add_prefix_space=spaced, use_regex=False)]
        rust.pre_tokenizer = Sequence(parts)
    else:
        rust.pre_tokenizer = ByteLevel(add_prefix_space=spaced)
    rust.decoder = ByteLevelDecoder()
    for token, wanted in added:
        (rust.add_special_tokens if token.special else rust.add_tokens)([token])
        if wanted is not None and rust.token_to_id(token.content) != wanted:
            raise ValueError(f"token {wanted} is not the next one after those of vocab.json")
    return rust


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        values = read_json(path)
    except FileNotFoundError:
        return {}
    if not isinstance(values, dict):
        raise ValueError(f"{path.name} isn't a JSON object")
    return values


def _list_added_tokens(folder: Path, settings: Mapping[str, Any]) -> list[tuple[AddedToken, int | None]]:
    """Return the tokens that other files add to vocab.json, in the order of their ids; those without an id come last."""
    named = {
        text: None
        for values in (settings, _read_settings(folder / "special_tokens_map.json"))
        for key, value in values.items()
        if key in _SPECIAL_KEYS
        for text in _texts(value)
    }
    ids: dict[str, int | None] = dict(_read_settings(folder / "added_tokens.json"))
    flags: dict[str, dict[str, bool]] = {}
    for number, facts in (settings.get("added_tokens_decoder") or {}).items():
        ids[facts["content"]] = int(number)
        flags[facts["content"]] = {flag: facts[flag] for flag in _FLAGS if type(facts.get(flag)) is bool}
    ids = dict(sorted(ids.items(), key=lambda entry: entry[1] or 0)) | {text: None for text in named if text not in ids}
    if not ids:  # GPT-2's own files are without any other
        ids, named = {END: None}, {END: None}
    return [
        (
            AddedToken(
                text, **{"normalized": False} | flags.get(text, {}) | ({"special": True} if text in named else {})
            ),
            wanted,
        )
        for text, wanted in ids.items()
    ]


def _texts(value: Any) -> list[str]:
    """Return the texts of special tokens as transformers writes them: one, several, or by names of their own."""
    if isinstance(value, dict):
        value = value["content"] if "content" in value else list(value.values())
    values = value if isinstance(value, list) else [value]
    texts = [each["content"] if isinstance(each, dict) else each for each in values]
    return [text for text in texts if isinstance(text, str) and text]
