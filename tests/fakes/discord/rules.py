"""Rules that a body is held against: each looks at one value and says what is wrong with it where."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.discord.errors import Path, Problems

Rule = Callable[[Any, Path, Problems], None]
_SNOWFLAKE = re.compile(r"\d{1,20}")


def given(thing: Mapping[str, Any], name: str, default: Any) -> Any:
    """Return what stands in a field, or the default where it is left out or null."""
    return default if thing.get(name) is None else thing[name]


def text(least: int, most: int) -> Rule:
    def check(value: Any, path: Path, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.add(path, "STRING_TYPE_CONVERT", f"Could not interpret {value!r} as string.")
        elif least and not least <= len(value) <= most:
            problems.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        elif len(value) > most:
            problems.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")

    return check


def whole(least: int, most: int) -> Rule:
    def check(value: Any, path: Path, problems: Problems) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            problems.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif value < least:
            problems.add(path, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {least}.")
        elif value > most:
            problems.add(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {most}.")

    return check


def truth(value: Any, path: Path, problems: Problems) -> None:
    if not isinstance(value, bool):
        problems.add(path, "BOOLEAN_TYPE_CONVERT", f'Value "{value}" is not bool.')


def anything(value: Any, path: Path, problems: Problems) -> None:
    """Take whatever it is."""


def snowflake(value: Any, path: Path, problems: Problems) -> None:
    if isinstance(value, bool) or not _SNOWFLAKE.fullmatch(str(value)):
        problems.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')


def one_of(*values: Any) -> Rule:
    def check(value: Any, path: Path, problems: Problems) -> None:
        if value not in values or isinstance(value, bool):
            problems.add(path, "BASE_TYPE_CHOICES", f"Value must be one of {set(values)}.")

    return check


def address(*schemes: str) -> Rule:
    """Take a URL of up to 2,048 characters."""

    def check(value: Any, path: Path, problems: Problems) -> None:
        if not isinstance(value, str) or len(value) > 2048:
            problems.add(path, "BASE_TYPE_MAX_LENGTH", "Must be 2048 or fewer in length.")
        elif not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            scheme = value.partition(":")[0]
            problems.add(path, "URL_TYPE_INVALID_SCHEME", f"Scheme “{scheme}” must be one of {schemes}.")

    return check


def listed(rule: Rule, least: int, most: int) -> Rule:
    def check(value: Any, path: Path, problems: Problems) -> None:
        if not isinstance(value, list):
            problems.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return
        if not least <= len(value) <= most:
            problems.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        for number, each in enumerate(value):
            rule(each, (*path, number), problems)

    return check


def form(required: Mapping[str, Rule], optional: Mapping[str, Rule]) -> Rule:
    """Take an object; a field that may be left out may be null too, and one not named here is not looked at."""

    def check(value: Any, path: Path, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
            return
        for name, rule in required.items():
            if value.get(name) is None:
                problems.add((*path, name), "BASE_TYPE_REQUIRED", "This field is required")
            else:
                rule(value[name], (*path, name), problems)
        for name, rule in optional.items():
            if value.get(name) is not None:
                rule(value[name], (*path, name), problems)

    return check
