"""Which songs to take: `kind=song`, `oov<=0.03`, `artist~burns`. Judges records, and knows nothing of where they are kept."""

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from songsmith.corpus.records import CleanRecord, Fact, RawRecord
from songsmith.errors import UsageError

_EXAMPLE = "Write it like kind=song, year<1900, artist~burns or sensitive!=true."
_FIELDS = ("title", "artist", "source", "id", "url", "text")
_ORDERS: dict[str, Callable[..., bool]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A condition that a song meets or does not."""

    field: str
    """title, artist, source, id, url, text, or the name of a fact."""
    operator: str
    """One of = != < <= > >= and ~ (contains, whatever the case)."""
    value: str
    """As it was written. Numbers compare as numbers, true and false with what is true or false."""

    @classmethod
    def parse(cls, expression: str) -> Self:
        """Read a condition as a person writes it.

        Raises:
            UsageError: it is none.
        """
        match = re.fullmatch(r"\s*([^=!<>~]+?)\s*(!=|<=|>=|==|=|<|>|~)\s*(.*?)\s*", expression, re.DOTALL)
        if not match:
            raise UsageError(f"'{expression}' is no condition.", _EXAMPLE)
        field, sign, value = match.groups()
        if not value and sign not in ("=", "==", "!="):
            raise UsageError(f"'{expression}' compares with nothing.", _EXAMPLE)
        return cls(field=field, operator="=" if sign == "==" else sign, value=value)

    def matches(self, record: RawRecord | CleanRecord) -> bool:
        """Return whether a song meets the condition; one that lacks the field meets only `!=`."""
        fact: Fact = getattr(record, self.field) if self.field in _FIELDS else record.facts.get(self.field)
        if fact is None:
            return self.operator == "!="
        if self.operator == "~":
            return self.value.casefold() in _as_text(fact).casefold()
        if self.operator in ("=", "!="):
            return _equal(fact, self.value) is (self.operator == "=")
        wanted, number = _as_number(self.value), _as_number(fact)
        if wanted is None:  # a date, say
            return _ORDERS[self.operator](_as_text(fact), self.value)
        return number is not None and _ORDERS[self.operator](number, wanted)

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{self.value}"


def matches(record: RawRecord | CleanRecord, filters: Sequence[Filter]) -> bool:
    """Return whether a song meets all of these conditions."""
    return all(condition.matches(record) for condition in filters)


def _equal(fact: Fact, value: str) -> bool:
    if isinstance(fact, bool):
        return _as_text(fact) == value.casefold()
    wanted, number = _as_number(value), _as_number(fact)
    if wanted is not None and number is not None:
        return wanted == number
    if isinstance(fact, str) and fact.casefold() in ("true", "false"):  # a column of a table knows no better
        return fact.casefold() == value.casefold()
    return fact == value


def _as_number(value: Fact) -> float | None:
    """Return the number that a fact is, or spells; the text fields of a table hold theirs as text."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


def _as_text(fact: Fact) -> str:
    return str(fact).casefold() if isinstance(fact, bool) else str(fact)
