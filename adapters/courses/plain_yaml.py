"""YAML as course files need it: no objects, and no aliases, with which a few lines can stand for gigabytes."""

from __future__ import annotations

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event: yaml.AliasEvent = self.peek_event()  # type: ignore[no-untyped-call]  # untyped in PyYAML's stubs
            mark = event.start_mark
            problem = f"it uses the alias *{event.anchor}, which is not allowed here: write the value out"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark if isinstance(mark, yaml.Mark) else None)
        return super().compose_node(parent, index)


def load_yaml(text: str) -> Any:  # noqa: ANN401  (whatever the text says)
    """Read one document. Raises `yaml.YAMLError`, `ValueError` (a date that no calendar has), `RecursionError`."""
    return yaml.load(text, _Loader)  # noqa: S506  (a SafeLoader that allows less)
