"""Which songs to take: `kind=song`, `oov<=0.03`, `artist~burns`. Tests records; knows nothing of where they are stored."""

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from songsmith.corpus.records import CleanRecord, MetadataValue, RawRecord
from songsmith.errors import UsageError

_EXAMPLE = "Write it like kind=song, year<1900, artist~burns or sensitive!=true."
_DATE = re.compile(r"\d{4}-\d\d(-\d\d)?", re.ASCII)
_ANOTHER = re.compile(r",\s*\w+\s*[=<>~!]")
_FIELDS = ("title", "artist", "source", "id", "url", "text")
_ORDERS: dict[str, Callable[..., bool]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A condition that a song meets or does not."""

    field: str
    """title, artist, source, id, url, text, or the name of a metadata field."""
    operator: str
    """One of = != < <= > >= and ~ (contains) !~ (does not). None is case-sensitive."""
    value: str
    """As it was written. Numbers compare as numbers, a year with the year of a date."""

    @classmethod
    def parse(cls, expression: str) -> Self:
        """Read a condition as a person writes it.

        Raises:
            UsageError: it is not a condition.
        """
        match = re.fullmatch(r"\s*([^=!<>~]+?)\s*(!=|!~|<=|>=|==|=|<|>|~)\s*(.*?)\s*", expression, re.DOTALL)
        if not match:
            raise UsageError(f"'{expression}' isn't a condition.", _EXAMPLE)
        field, sign, value = match.groups()
        if not value and sign not in ("=", "==", "!="):
            raise UsageError(f"'{expression}' has nothing to compare with.", _EXAMPLE)
        if "~" not in sign and _ANOTHER.search(value):
            raise UsageError(f"'{expression}' is two conditions.", "Use one --filter for each; all must match.")
        return cls(field=field, operator="=" if sign == "==" else sign, value=value)

    def matches(self, record: RawRecord | CleanRecord) -> bool:
        """Return whether a song meets the condition; one that lacks the field meets only `!=` and `!~`."""
        found: MetadataValue = getattr(record, self.field) if self.field in _FIELDS else record.metadata.get(self.field)
        if found is None:
            return self.operator in ("!=", "!~")
        if self.operator in ("~", "!~"):
            return (self.value.casefold() in _as_text(found).casefold()) is (self.operator == "~")
        if self.operator in ("=", "!="):
            return _equal(found, self.value) is (self.operator == "=")
        wanted, number = _as_numbers(self.value, found)
        if wanted is None:  # such as a date, which has no order with a number
            return isinstance(found, str) and _ORDERS[self.operator](found, self.value)
        return number is not None and _ORDERS[self.operator](number, wanted)

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{self.value}"


def matches(record: RawRecord | CleanRecord, filters: Sequence[Filter]) -> bool:
    """Return whether a song meets all of these conditions."""
    return all(condition.matches(record) for condition in filters)


class FilterSet:
    """Accepts the songs that meet all of some conditions, and notices a condition on a field that no song has."""

    def __init__(self, filters: Sequence[Filter]) -> None:
        """Begin with no song seen."""
        self.filters = filters
        """The conditions."""
        self._fields_seen: set[str] = set()
        self._seen = False

    def accepts(self, record: RawRecord | CleanRecord) -> bool:
        """Return whether a song meets all conditions."""
        self._seen = True
        self._fields_seen.update(record.metadata)
        return matches(record, self.filters)

    @property
    def notice(self) -> str:
        """Once all songs are seen: a sentence that no song has a field, which may be misspelt; empty if all fields exist."""
        unknown = [known.field for known in self.filters if known.field not in (*_FIELDS, *self._fields_seen)]
        if not unknown or not self._seen:
            return ""
        return f"No song has '{unknown[0]}'; there are: {', '.join((*sorted(self._fields_seen), *_FIELDS))}."

    def check(self) -> None:
        """Check that every field exists, once all songs are seen.

        Raises:
            UsageError: no song has one of them.
        """
        if self.notice:
            raise UsageError(self.notice, "Correct the filter.")


def _equal(found: MetadataValue, value: str) -> bool:
    if isinstance(found, bool):
        return _as_text(found) == value.casefold()
    wanted, number = _as_numbers(value, found)
    if wanted is not None and number is not None:
        return wanted == number
    return _as_text(found).casefold() == value.casefold()


def _as_numbers(value: str, found: MetadataValue) -> tuple[float | None, float | None]:
    """Return a value and what a song has as numbers; of a date, the year, if a year is what it is compared with."""
    year = isinstance(found, str) and re.fullmatch(r"\d{4}", value, re.ASCII) and _DATE.fullmatch(found)
    return _as_number(value), _as_number(str(found)[:4] if year else found)


def _as_number(value: MetadataValue) -> float | None:
    """Return the number that a value is, or spells; the text fields of a table hold theirs as text."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


def _as_text(found: MetadataValue) -> str:
    return str(found).casefold() if isinstance(found, bool) else str(found)
