"""Byte-level BPE tokenizers: text to token ids and back. User text can never become a special token here."""

import codecs
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import AddedToken
from tokenizers import Tokenizer as RustTokenizer

from songsmith.errors import ModelError, storing
from songsmith.markup import END, MARKS, ORDERED_MARKS, Mark, Piece
from songsmith.model.tokenizer_files import MOST_ENTRIES, load_tokenizer_files, refusing_panics


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's printable stand-ins for the 256 bytes (encoder.py of openai/gpt-2): character to byte."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = (byte for byte in range(256) if byte not in set(printable))
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


_BYTE_OF = _byte_alphabet()
_SPACE = next(character for character, byte in _BYTE_OF.items() if byte == ord(" "))


class Tokenizer:
    """Encodes text and marks to token ids; `StreamingDecoder` goes the other way."""

    def __init__(self, rust: RustTokenizer) -> None:
        """Take a byte-level BPE tokenizer of the tokenizers library."""
        self.id_of_mark: dict[Mark, int] = {
            mark: found for mark in MARKS if (found := rust.token_to_id(mark)) is not None
        }
        # Other people's files may cut texts short, fill them up, or hold marks as common words.
        rust.no_truncation()
        rust.no_padding()
        rust.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in self.id_of_mark])
        rust.encode_special_tokens = True  # text that spells a mark stays text
        self._rust = rust
        self._mark_of_id = {token: mark for mark, token in self.id_of_mark.items()}
        added_tokens = rust.get_added_tokens_decoder()
        self._special_ids = {token for token, added in added_tokens.items() if added.special}
        self._literal_bytes = _find_literals(rust, added_tokens)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load tokenizer.json of a model directory, or the vocab.json and merges.txt of older ones.

        Raises:
            ModelError: there is neither, they cannot be read, or hold what is not known here.
        """
        return cls(load_tokenizer_files(folder))

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary_size: int) -> Self:
        """Learn byte-level BPE merges from texts (Sennrich et al. 2016, on bytes as in GPT-2).

        Args:
            texts: read once; a pair is merged if it occurs at least twice.
            vocabulary_size: most entries it may have, marks and the 256 bytes among them. Marks take the first ids.

        Raises:
            ModelError: `vocabulary_size` has no room for marks and bytes, or is more than is ever read again.
        """
        from tokenizers.decoders import ByteLevel as ByteLevelDecoder
        from tokenizers.models import BPE
        from tokenizers.pre_tokenizers import ByteLevel
        from tokenizers.trainers import BpeTrainer

        alphabet = sorted(ByteLevel.alphabet())
        smallest = len(ORDERED_MARKS) + len(alphabet)
        if vocabulary_size < smallest:
            raise ModelError(
                f"A vocabulary of {vocabulary_size} entries has no room for the {smallest} that every tokenizer has.",
                f"Use at least {smallest}; 8192 suits most corpora.",
            )
        if vocabulary_size > MOST_ENTRIES:  # the library would set memory aside for all, and end the process without it
            raise ModelError(
                f"A vocabulary of {vocabulary_size:,} entries is larger than the {MOST_ENTRIES:,} that one may have.",
                "8192 suits most corpora.",
            )
        rust = RustTokenizer(BPE())
        rust.pre_tokenizer = ByteLevel(add_prefix_space=False)
        rust.decoder = ByteLevelDecoder()
        trainer = BpeTrainer(
            vocab_size=vocabulary_size,
            min_frequency=2,
            special_tokens=[AddedToken(mark, special=True, normalized=False) for mark in ORDERED_MARKS],
            initial_alphabet=alphabet,
            show_progress=False,
        )
        rust.train_from_iterator(texts, trainer)
        return cls(rust)

    def knows_all_of(self, other: "Tokenizer") -> bool:
        """Return whether it has every token of another by the same id, however they cut a text into them; it may have more."""
        return bool(other._rust.get_vocab().items() <= self._rust.get_vocab().items())

    def with_marks(self) -> "Tokenizer":
        """Return a tokenizer that has every mark: those this one lacks get the ids after its last."""
        rust = RustTokenizer.from_str(self._rust.to_str())
        missing = [mark for mark in ORDERED_MARKS if mark not in self.id_of_mark]
        rust.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in missing])
        return Tokenizer(rust)

    def to_json(self) -> str:
        """Return it as a tokenizer.json, in the tokenizers library's format."""
        return str(self._rust.to_str())

    def save(self, folder: Path) -> None:
        """Write tokenizer.json, and what transformers needs beside it, into an existing folder.

        Raises:
            StorageError: the folder cannot be written.
        """
        settings = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": END,
            "eos_token": END,
            "clean_up_tokenization_spaces": False,
        }
        with storing(folder):
            (folder / "tokenizer.json").write_text(self.to_json(), encoding="utf-8")
            (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")

    @property
    def vocabulary_size(self) -> int:
        """One more than the highest id it can give; some ids below may have no entry."""
        return 1 + max(self._rust.get_vocab().values(), default=-1)

    @property
    def rows_needed(self) -> int:
        """One more than the highest id that a text or a mark becomes; other special tokens need no row in a network."""
        never = self._special_ids - self._mark_of_id.keys()
        return 1 + max((token for token in self._rust.get_vocab().values() if token not in never), default=-1)

    @property
    def end(self) -> int:
        """Token of `<|endoftext|>`, which every tokenizer used here has.

        Raises:
            ModelError: this one has none.
        """
        if END not in self.id_of_mark:
            raise ModelError(f"The tokenizer has no {END}.", "Choose another model.")
        return self.id_of_mark[END]

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text, none of them special."""
        with refusing_panics():
            return list(self._rust.encode(text, add_special_tokens=False).ids)

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of many texts, encoded side by side."""
        with refusing_panics():
            return [list(encoding.ids) for encoding in self._rust.encode_batch(list(texts), add_special_tokens=False)]

    def encode_pieces(self, pieces: Sequence[Piece]) -> list[int]:
        """Return the token ids of text and marks. Marks this tokenizer does not have are left out."""
        ids: list[int] = []
        for piece in pieces:
            if isinstance(piece, Mark):
                if piece in self.id_of_mark:
                    ids.append(self.id_of_mark[piece])
            else:
                ids += self.encode(piece)
        return ids

    def mark(self, token: int) -> Mark | None:
        """Return the mark a token stands for, or None for text."""
        return self._mark_of_id.get(token)

    def token_bytes(self, token: int) -> bytes:
        """Return the bytes a token adds to a text; special tokens, and ids without an entry, add none."""
        if token in self._literal_bytes:
            return self._literal_bytes[token]
        entry = None if token in self._special_ids else self._rust.id_to_token(token)
        if entry is None:
            return b""
        if all(character in _BYTE_OF for character in entry):
            return bytes(_BYTE_OF[character] for character in entry)
        return str(entry).encode()

    def unusual_bytes(self) -> dict[int, bytes]:
        """Return the bytes of the tokens that add other than ASCII to a text: few in most vocabularies."""
        return {
            token: added
            for entry, token in self._rust.get_vocab().items()
            if not entry.lstrip(_SPACE).isascii() and not (added := self.token_bytes(token)).isascii()
        }

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, without special ones; bytes that are no UTF-8 become U+FFFD.

        A character ends at a mark: halves on its two sides are two broken characters.
        """
        decoder = StreamingDecoder(self)
        pieces = [*(piece for token in tokens for piece in decoder.feed(token)), *decoder.close()]
        return "".join(piece for piece in pieces if not isinstance(piece, Mark))

    def line_end_ids(self) -> list[int]:
        """Return the ids of tokens with a line break in them."""
        stand_in = next(character for character, byte in _BYTE_OF.items() if byte == ord("\n"))
        ends = {token for entry, token in self._rust.get_vocab().items() if stand_in in entry}
        literal = {token for token, added in self._literal_bytes.items() if b"\n" in added}
        return sorted((ends - self._special_ids - self._literal_bytes.keys()) | literal)

    def structural(self, size: int) -> NDArray[np.bool_]:
        """Return (size,) true for special tokens and tokens with a line break: a lyric's form, not its words."""
        flags = np.zeros(size, dtype=np.bool_)
        flags[[token for token in (*self._special_ids, *self.line_end_ids()) if token < size]] = True
        return flags


def _find_literals(rust: RustTokenizer, added_tokens: Mapping[int, AddedToken]) -> dict[int, bytes]:
    """Return the bytes of tokens that were added as words: theirs is the text itself, not stand-ins for its bytes."""
    words = {token: added.content for token, added in added_tokens.items() if not added.special}
    if not words:
        return {}
    learned = rust.get_vocab(with_added_tokens=False)  # one that merges make, too, is spelt in stand-ins
    return {token: word.encode() for token, word in words.items() if word not in learned}


class StreamingDecoder:
    """Turns tokens into pieces one at a time and never gives half a character.

    The texts it gives, joined, are the text of one whole decode.
    """

    def __init__(self, tokenizer: Tokenizer, *, whole_only: bool = False) -> None:
        """Start before the first token.

        Args:
            tokenizer: whose tokens are fed.
            whole_only: leave out characters that broke off, and U+FFFD, which says that one did.
        """
        self._tokenizer = tokenizer
        self._whole_only = whole_only
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="ignore" if whole_only else "replace")

    def feed(self, token: int) -> list[Piece]:
        """Return the pieces that became whole with this token: none, a text, a mark, or a text and a mark."""
        mark = self._tokenizer.mark(token)
        if mark is None:
            text = self._utf8.decode(self._tokenizer.token_bytes(token))
            if self._whole_only:
                text = text.replace("\ufffd", "")
            return [text] if text else []
        return [*self.close(), mark]

    def close(self) -> list[Piece]:
        """Return what is left: a character that broke off shows as U+FFFD, if at all."""
        text = self._utf8.decode(b"", final=True)
        self._utf8.reset()
        return [text] if text else []

    def fork(self) -> "StreamingDecoder":
        """Return a decoder in the same state that goes on independently of this one."""
        other = StreamingDecoder(self._tokenizer, whole_only=self._whole_only)
        other._utf8.setstate(self._utf8.getstate())
        return other
