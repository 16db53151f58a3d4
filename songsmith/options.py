"""Options declared once: name, help, range, unit and panel belong to the field of a frozen dataclass.

Knows no command line or screen.

Everything else is derived from there: the check of a value, what a mapping may say (JSON, TOML, environment), the JSON schema,
and in `songsmith.cli.derived_options` the options of a command. To add an option, add a field:

    dropout: float = option(0.0, help="Share of activations to drop.", minimum=0, maximum=0.9)
"""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType, NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from songsmith.errors import UsageError

_LONGEST_SHOWN = 80
_METADATA = "songsmith.option"
_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
Options = TypeVar("Options")


@dataclass(frozen=True, kw_only=True)
class Option:
    """What is known of one option."""

    name: str
    """Of the field, and the key in a mapping."""
    kind: type
    """bool, int, float, str, or a StrEnum."""
    optional: bool
    """Whether None is a value."""
    default: Any
    help: str
    """One sentence for whoever sets it."""
    minimum: float | None
    """Least value; None for no limit."""
    exclusive_minimum: float | None
    """Every value is above this; None for no limit."""
    maximum: float | None
    """Greatest value; None for no limit."""
    unit: str
    """Of a number, in the plural; empty where it has none."""
    panel: str
    """Heading it stands under in a help text or a form; empty for the common one."""
    flag: str
    """Name on the command line; empty where it is not one of its options."""
    short_flag: str
    one_of: str
    """Question that exactly one of several options answers, such as `how long to train`; empty for any other option."""

    @property
    def label(self) -> str:
        """The name a person knows it by."""
        return self.flag or self.name

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a StrEnum; nothing for any other kind."""
        return tuple(self.kind) if issubclass(self.kind, StrEnum) else ()

    @property
    def span(self) -> str:
        """The range of a number in words, such as `from 0 to 10`; empty where there is none."""
        if self.exclusive_minimum is not None:
            return f"from above {self.exclusive_minimum}" + ("" if self.maximum is None else f" up to {self.maximum}")
        low = "" if self.minimum is None else f"from {self.minimum}"
        return f"{low} {'' if self.maximum is None else f'to {self.maximum}'}".strip()

    @property
    def allowed(self) -> str:
        """What a value may be, in words, such as `a number from 0 to 10`."""
        if self.choices:
            return f"{', '.join(self.choices[:-1])} or {self.choices[-1]}"
        return f"{self._kind_in_words} {self.span}".strip()

    @property
    def _kind_in_words(self) -> str:
        return {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[self.kind]

    def fault(self, value: Any) -> str:
        """Return what is wrong with a value, such as `11 is out of range`; nothing where it can be used."""
        if value is None and self.optional:
            return ""
        if self.choices:
            known = isinstance(value, str) and value in self.choices
            return "" if known else f"{shown(value)} isn't one of its choices"
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if self.kind in (int, float) and is_number and not self._in_range(value):
            return f"{shown(value)} is out of range"
        whole = is_number and (isinstance(value, int) or value.is_integer())
        fits = {int: whole, float: is_number}.get(self.kind, isinstance(value, self.kind))
        return "" if fits else f"{shown(value)} isn't {self._kind_in_words}"

    def _in_range(self, value: float) -> bool:
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        # So put, NaN is out of range too.
        return low <= value <= high and (self.exclusive_minimum is None or value > self.exclusive_minimum)

    def settled(self, value: Any) -> Any:
        """Return a value without fault as its own kind: 3 for 3.0, a member of a StrEnum for its text."""
        if value is None or not (self.choices or self.kind is int):
            return value
        return self.kind(value)

    def as_schema(self) -> dict[str, Any]:
        """Return the JSON schema of its values; unit and panel are annotations."""
        kind: Any = _JSON_TYPES.get(self.kind, "string")
        limits = {
            "minimum": self.minimum, "exclusiveMinimum": self.exclusive_minimum, "maximum": self.maximum,
            "x-unit": self.unit or None, "x-panel": self.panel or None,
        }  # fmt: skip
        schema = {"description": self.help, "type": [kind, "null"] if self.optional else kind, "default": self.default}
        if self.choices:
            schema["enum"] = [*self.choices, *([None] if self.optional else [])]
        return schema | {name: limit for name, limit in limits.items() if limit is not None}


def option(
    default: Any,
    *,
    help: str,
    minimum: float | None = None,
    exclusive_minimum: float | None = None,
    maximum: float | None = None,
    unit: str = "",
    panel: str = "",
    flag: str | None = "",
    short_flag: str = "",
    one_of: str = "",
) -> Any:
    """Return the field of a dataclass that declares an option; see `Option` for what is said of it.

    Args:
        default: value where none is given.
        help: one sentence for whoever sets it.
        minimum: least value.
        exclusive_minimum: every value is above this.
        maximum: greatest value.
        unit: of a number.
        panel: heading it stands under.
        flag: name on the command line; empty takes the field's own, None keeps it off the command line.
        short_flag: its short name there, such as `-t`.
        one_of: question that exactly one of several options answers.
    """
    told = {
        "help": help, "minimum": minimum, "exclusive_minimum": exclusive_minimum, "maximum": maximum, "unit": unit,
        "panel": panel, "flag": flag, "short_flag": short_flag, "one_of": one_of,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata={_METADATA: told})


def declared(kind: type) -> Mapping[str, Option]:
    """Return the options of a dataclass by name, in the order in which they are declared."""
    return _declared(kind)


@cache  # type hints are slow to read, and options are made for every take
def _declared(kind: type) -> Mapping[str, Option]:
    hints, found = get_type_hints(kind), {}
    for field in dataclasses.fields(kind):
        told = dict(field.metadata[_METADATA])
        if told["flag"] is not None:
            told["flag"] = told["flag"] or f"--{field.name.replace('_', '-')}"
        parts = [part for part in get_args(hints[field.name]) if part is not NoneType] or [hints[field.name]]
        optional = NoneType in get_args(hints[field.name])
        default = None if field.default is MISSING else field.default
        found[field.name] = Option(
            name=field.name, kind=parts[0], optional=optional, default=default, **told | {"flag": told["flag"] or ""}
        )
    return MappingProxyType(found)


def check(options: Any) -> None:
    """Check every option of a dataclass that is being made: for `__post_init__`.

    Raises:
        UsageError: a value cannot be used; the message names the option and its range.
    """
    known = declared(type(options))
    for name, one in known.items():
        value = getattr(options, name)
        if fault := one.fault(value):
            raise UsageError(f"{one.label} {fault}.", f"Use {one.allowed}.")
        object.__setattr__(options, name, one.settled(value))
    for question, members in _questions(known).items():
        if sum(getattr(options, name) is not None for name in members) != 1:
            *most, last = (known[name].label for name in members)
            raise UsageError(f"It isn't clear {question}.", f"Use exactly one of {', '.join(most)} and {last}.")


def _questions(known: Mapping[str, Option]) -> dict[str, list[str]]:
    """Return the names of the options that answer a question together."""
    found: dict[str, list[str]] = {}
    for one in known.values():
        if one.one_of:
            found.setdefault(one.one_of, []).append(one.name)
    return found


def changed(usual: Options, **values: Any) -> Options:
    """Return options with other values. One that answers a question takes the place of whatever answered it.

    Raises:
        UsageError: a value cannot be used.
    """
    known = declared(type(usual))
    given = {name: value for name, value in values.items() if value is not None or not known[name].one_of}
    answered = {known[name].one_of for name in given} - {""}
    unanswered = {name: None for name, one in known.items() if one.one_of in answered}
    return dataclasses.replace(usual, **unanswered | given)  # type: ignore[type-var]


def from_mapping(kind: type[Options], values: Any, *, usual: Options | None = None, origin: str = "") -> Options:
    """Return the options that a mapping holds: JSON of a request or a take, a file of settings, a form.

    Args:
        kind: the dataclass.
        values: a mapping, by the names of the options.
        usual: values of the options it leaves out; None takes the defaults.
        origin: where the mapping comes from, for the message.

    Raises:
        UsageError: it is no mapping, a key is no option, or a value cannot be used; the message names it, and the range.
    """
    known, where = declared(kind), f"{origin}: " if origin else ""
    if not isinstance(values, Mapping):
        raise UsageError(f"{where}{shown(values)} doesn't name options.", f"The options are {', '.join(known)}.")
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"{where}{shown(name)} isn't an option.", _nearest(name, known))
        if fault := known[name].fault(value):
            raise UsageError(f"{where}{name} {fault}.", f"Use {known[name].allowed}.")
    return kind(**values) if usual is None else changed(usual, **values)


def _nearest(name: str, known: Mapping[str, Option]) -> str:
    from difflib import get_close_matches

    if near := get_close_matches(name, known, 1):
        return f"Did you mean {near[0]} ({known[near[0]].allowed})?"
    return f"The options are {', '.join(known)}."


def shown(value: Any) -> str:
    """Return a value for a message: text in quotes, true, false and null as in JSON, of a long one no more than its beginning."""
    try:
        text = json.dumps(value) if value is None or isinstance(value, bool) else str(value)
    except (ValueError, RecursionError):  # integers of more than 4,300 digits, lists thousands deep
        text = "a value too long to show"
    text = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return f"'{text}'" if isinstance(value, str) else text


def json_schema(kind: type) -> dict[str, Any]:
    """Return the JSON schema (2020-12) of the mappings that `from_mapping` takes without `usual`."""
    known = declared(kind)
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": kind.__name__, "type": "object",
        "properties": {one.name: one.as_schema() for one in known.values()}, "additionalProperties": False,
    }  # fmt: skip
    if questions := _questions(known):
        schema["allOf"] = [
            {"oneOf": [{"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in members]}
            for members in questions.values()
        ]
    return schema
