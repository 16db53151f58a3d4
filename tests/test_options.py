"""Options are declared once: dataclass, command line, mapping and the JSON schema derived from it agree on every value."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer._click.exceptions import ClickException
from typer.testing import CliRunner

from songsmith.cli.derived_options import takes_options
from songsmith.errors import UsageError
from songsmith.generation.options import GenerationOptions
from songsmith.options import Option, changed, check, declared, from_mapping, json_schema, option
from songsmith.settings import Settings
from songsmith.training.options import NEW, OptimizerName, TrainingOptions

REFUSED = "refused"
USUAL = {GenerationOptions: GenerationOptions(), TrainingOptions: TrainingOptions(steps=5), Settings: Settings()}
EVERY_OPTION = [(kind, one) for kind in USUAL for one in declared(kind).values()]


def values_of(one: Option) -> st.SearchStrategy[Any]:
    """Return values at, inside and outside of an option's range, and some of another kind."""
    near: list[Any] = [None, True, False, "", "warm", "3", [], {}, 0, 1, -1, 0.5, 3.0, math.nan, math.inf, -math.inf, 10**400]
    near += one.choices
    for limit in (one.minimum, one.exclusive_minimum, one.maximum):
        if limit is not None:
            near += [limit, float(limit), limit - 1, limit + 1]
            near += [math.nextafter(limit, towards) for towards in (-math.inf, math.inf)]
    low = one.minimum or one.exclusive_minimum or 0
    inside = st.floats(low, 10 if one.maximum is None else float(one.maximum))
    return st.sampled_from(near) | inside | inside.map(int) | st.integers() | st.floats()


def outcome(make: Callable[[], Any]) -> Any:
    """Return what is made, or that it was refused."""
    try:
        return make()
    except (UsageError, ClickException):
        return REFUSED


def fits(schema: dict[str, Any], values: dict[str, Any]) -> bool:
    """Return whether an object meets a schema: the few keywords that are used here, as JSON Schema 2020-12 defines them."""
    own = schema.get("properties", {})
    if schema.get("additionalProperties") is False and values.keys() - own.keys():
        return False
    if not all(name in values for name in schema.get("required", ())):
        return False
    if not all(meets(own[name], value) for name, value in values.items() if name in own):
        return False
    return all(sum(fits(one, values) for one in each["oneOf"]) == 1 for each in schema.get("allOf", ()))


def meets(schema: dict[str, Any], value: Any) -> bool:
    if "not" in schema:
        return not meets(schema["not"], value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    is_of = {
        "null": value is None, "boolean": isinstance(value, bool), "string": isinstance(value, str), "number": number,
        "integer": number and value == value // 1,
    }  # fmt: skip
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(is_of[kind] for kind in kinds) or ("enum" in schema and value not in schema["enum"]):
        return False
    return not number or (
        schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
        and value > schema.get("exclusiveMinimum", -math.inf)
    )


def command_of(usual: Any) -> Callable[[str], Any]:
    """Return what runs a command with the options of a dataclass, and returns the options it was given."""
    made = []

    @takes_options(usual)
    def command(**options: Any) -> None:
        made.append(changed(usual, **options))

    app = typer.Typer(add_completion=False)
    app.command()(command)
    program = typer.main.get_command(app)

    def run(*arguments: str) -> Any:
        program.main(list(arguments), standalone_mode=False)
        return made.pop()

    return run


COMMANDS = {kind: command_of(usual) for kind, usual in USUAL.items()}
SCHEMAS = {kind: json_schema(kind) for kind in USUAL}


@given(st.data())
@pytest.mark.parametrize(("kind", "one"), EVERY_OPTION, ids=lambda value: getattr(value, "name", ""))
def test_dataclass_command_line_mapping_and_schema_agree_on_every_value(
    kind: type, one: Option, data: st.DataObject
) -> None:
    value = data.draw(values_of(one))
    given_values: dict[str, Any] = {one.name: value}
    if kind is TrainingOptions and not (one.one_of and value is not None):
        given_values = {"steps": 5, **given_values} if one.name != "steps" else {"epochs": 2.0, "steps": None}
    made = outcome(lambda: kind(**given_values))
    assert outcome(lambda: from_mapping(kind, given_values)) == made
    finite = not isinstance(value, float) or math.isfinite(value)
    if finite:  # JSON knows no other numbers
        known = {"theme": ("auto", "dark", "light"), "device": ("auto",)}.get(one.name)  # only Settings knows which there are
        assert fits(SCHEMAS[kind], given_values) == (made is not REFUSED) or known
    if made is not REFUSED:
        assert type(getattr(made, one.name)) in (one.kind, type(None)) or one.kind is float
        assert from_mapping(kind, json.loads(json.dumps({name: getattr(made, name) for name in declared(kind)}))) == made
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if one.flag and one.kind is not bool and (number or (isinstance(value, str) and (one.choices or value == "warm"))):
        typed = str(int(value)) if one.kind is int and number and finite and value == value // 1 else str(value)
        assert outcome(lambda: COMMANDS[kind](f"{one.flag}={typed}")) == made


@given(st.sets(st.sampled_from(["steps", "epochs", "minutes", "dropout"])))
def test_dataclass_mapping_and_schema_agree_on_how_long_to_train(names: set[str]) -> None:
    values = dict.fromkeys(names, 0.5) | ({"steps": 1} if "steps" in names else {})
    made = outcome(lambda: TrainingOptions(**values))
    assert (made is not REFUSED) == (len(names - {"dropout"}) == 1) == fits(SCHEMAS[TrainingOptions], values)
    assert outcome(lambda: from_mapping(TrainingOptions, values)) == made


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: GenerationOptions(temperature=11), "--temperature 11 is out of range. Use a number from 0 to 10."),
        (lambda: GenerationOptions(top_p=math.nan), "--top-p nan is out of range. Use a number from above 0 up to 1."),
        (lambda: GenerationOptions(top_k=0.5), "--top-k 0.5 isn't a whole number. Use a whole number."),
        (lambda: GenerationOptions(stop_at_section=1), "stop_at_section 1 isn't true or false. Use true or false."),
        (
            lambda: from_mapping(GenerationOptions, {"temperature": 11}, origin="The request"),
            "The request: temperature 11 is out of range. Use a number from 0 to 10.",
        ),
        (
            lambda: from_mapping(GenerationOptions, {"temprature": 1}, origin="The request"),
            "The request: 'temprature' isn't an option. Did you mean temperature (a number from 0 to 10)?",
        ),
        (
            lambda: from_mapping(GenerationOptions, {"max_lines": True}),
            "max_lines true isn't a whole number. Use a whole number from 0 to 100000.",
        ),
        (
            lambda: from_mapping(GenerationOptions, {"seed": 10**5000}),
            "seed a value too long to show is out of range. Use a whole number from 0 to 9223372036854775807.",
        ),
        (
            lambda: from_mapping(Settings, ["model"], origin="The request"),
            "The request: ['model'] doesn't name options. The options are model, device, threads, draft_model, theme.",
        ),
        (
            lambda: from_mapping(TrainingOptions, {"steps": 5, "optimizer": "sgd"}),
            "optimizer 'sgd' isn't one of its choices. Use adamw or muon.",
        ),
        (
            lambda: TrainingOptions(steps=5, block_size_tokens=-1),
            "--block-size -1 is out of range. Use a whole number from 0 to 1048576.",
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_range(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert str(caught.value) == sentence


def test_how_long_to_train_replaces_what_was_usual() -> None:
    assert from_mapping(TrainingOptions, {"minutes": 3}, usual=NEW) == changed(NEW, minutes=3)
    assert (changed(NEW, minutes=3).epochs, changed(NEW, minutes=3, steps=None).minutes) == (None, 3)
    assert changed(NEW, steps=None, epochs=None, minutes=None) == NEW
    with pytest.raises(UsageError, match="how long to train"):
        changed(NEW, steps=3, minutes=3)


def test_a_field_is_all_that_an_option_needs() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Tune:
        tempo: int = option(
            90, help="Beats to the minute.", minimum=20, maximum=300, unit="beats", panel="Music", short_flag="-b"
        )
        optimizer: OptimizerName | None = option(None, help="None of its business.", flag="--by")
        repeats: bool = option(True, help="Play it again.")

        def __post_init__(self) -> None:
            check(self)

    run = command_of(Tune())
    assert run() == Tune()
    assert run("-b", "120", "--by", "adamw") == from_mapping(Tune, {"tempo": 120.0, "optimizer": "adamw"})
    assert run("--by", "adamw").optimizer is OptimizerName.ADAMW
    assert run("--no-repeats") == Tune(repeats=False)
    assert json_schema(Tune)["properties"] == {
        "tempo": {
            "description": "Beats to the minute.", "type": "integer", "default": 90, "minimum": 20, "maximum": 300,
            "x-unit": "beats", "x-panel": "Music",
        },
        "optimizer": {
            "description": "None of its business.", "type": ["string", "null"], "default": None,
            "enum": ["adamw", "muon", None],
        },
        "repeats": {"description": "Play it again.", "type": "boolean", "default": True},
    }  # fmt: skip

    app = typer.Typer(add_completion=False)

    @app.command()
    @takes_options(Tune())
    def play(song: str, *, loud: bool = False, **options: Any) -> None: ...

    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100"}).stdout
    assert all(words in shown for words in ("Music", "--tempo", "-b", "Beats to the minute.", "90", "--by", "--loud"))
