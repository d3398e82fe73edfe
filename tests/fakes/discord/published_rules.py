"""Discord's published specification of its API, asked about what the app sends.

It is not part of this repository: `specs/openapi.json` of https://github.com/discord/discord-api-spec. With its path in
the environment variable `HOMEROOM_DISCORD_OPENAPI` every local Discord asks it about every body that its own rules let
through, and ends with an error where one breaks it. The specification is wider than Discord in some places (it takes
texts of 4,000 characters where Discord takes 2,000), so that the rules held by hand stay.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it comes without types
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.fakes.discord.errors import Json

VARIABLE = "HOMEROOM_DISCORD_OPENAPI"
_HERE = "urn:discord"
# What discord.py itself sends of commands, messages, embeds and attachments, and Discord takes no notice of.
_BY_DISCORD_PY = dict.fromkeys(("nsfw", "tts", "flags", "content_type", "proxy_url", "size", "spoiler", "url"), True)
_NAME = re.compile(r"\{[^}]*\}")


class Published:
    """The specification. What its objects do not name counts as a mistake, though JSON Schema would let it pass."""

    def __init__(self, spec: Json) -> None:
        # Ids are texts; Discord takes numbers for them, too, and discord.py sends those.
        spec["components"]["schemas"]["SnowflakeType"]["type"] = ["string", "integer"]
        _close(spec["components"]["schemas"])
        self._registry: Registry[Any] = Registry().with_resource(_HERE, DRAFT202012.create_resource(spec))
        self._paths = {_NAME.sub("{}", path): path for path in spec["paths"]}
        self._spec = spec
        self._validators: dict[str, Any] = {}

    def breaches(self, route: str, body: Any) -> Iterator[str]:
        """Yield what is wrong with the body of a call, whose route is a method and a path with names in braces."""
        validator = self._validators.get(route)
        if validator is None:
            validator = self._validators[route] = self._validator(route)
        wrong = jsonschema.exceptions.best_match(validator.iter_errors(body))
        if wrong is not None:
            yield f"{route}: {wrong.json_path}: {wrong.message[:500]}"

    def _validator(self, route: str) -> Any:
        method, path = route.split(" ")
        known = self._paths.get(_NAME.sub("{}", path))
        operation = self._spec["paths"].get(known, {}).get(method.lower())
        if operation is None:
            raise AssertionError(f"Discord has no {route}")
        content = operation.get("requestBody", {}).get("content")
        if content is None:
            return jsonschema.Draft202012Validator({"type": ["object"], "maxProperties": 0})
        pointer = "/".join(each.replace("~", "~0").replace("/", "~1") for each in (
            "paths", str(known), method.lower(), "requestBody", "content", "application/json", "schema",
        ))  # fmt: skip
        return jsonschema.Draft202012Validator({"$ref": f"{_HERE}#/{pointer}"}, registry=self._registry)


@cache
def _read(path: str) -> Published:
    return Published(json.loads(Path(path).read_text(encoding="utf-8")))


def published() -> Published | None:
    """Return the specification, where its path is set."""
    path = os.environ.get(VARIABLE)
    return _read(path) if path else None


def _close(schema: Any) -> None:
    """Let no object have what it does not name."""
    if isinstance(schema, list):
        for each in schema:
            _close(each)
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
            schema["properties"] = _BY_DISCORD_PY | schema["properties"]
        for each in schema.values():
            _close(each)
