"""YAML as people write it: with limits, YAML 1.2's booleans, and line numbers for errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from suasion.errors import StudyError
from suasion.records import Json

MAX_BYTES = 1_000_000
"""A longer file is no study."""
MAX_NODES = 20_000
"""Values in a file, aliases written out: a few lines of nested aliases can stand for billions."""


class _Loader(yaml.SafeLoader):
    """SafeLoader without YAML 1.1's surprises: `on` is a word here, and 1e-3 a number."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":float"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


@dataclass(frozen=True)
class Source:
    """A YAML file as read: its values, and where each of them stands."""

    name: str
    """What to call it in messages."""
    tree: dict[str, Json]
    """Its values."""
    root: yaml.Node
    """Its node tree, with line marks."""

    def line(self, path: Sequence[str | int]) -> int:
        """The line (from 1) of the value at `path`, or of the nearest thing above it."""
        node, mark = self.root, self.root.start_mark
        for step in path:
            below = _below(node, step)
            if below is None:
                break
            node, mark = below
        return int(mark.line) + 1


def read_yaml(path: Path) -> Source:
    """Read a YAML file that holds a mapping.

    Raises:
        StudyError: it cannot be read, is not YAML, holds a key twice, or is absurdly large.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StudyError(f"the study file {path} cannot be read: {error.strerror}") from error
    return parse_yaml(data, str(path))


def parse_yaml(data: bytes, name: str) -> Source:
    """The same for bytes; `name` says in messages where they come from.

    Raises:
        StudyError: as `read_yaml`.
    """
    if len(data) > MAX_BYTES:
        raise StudyError(f"{name} is longer than {MAX_BYTES:,} bytes: that is no study file")
    try:
        root = yaml.compose(data, Loader=_Loader)
        if not isinstance(root, yaml.MappingNode):
            raise StudyError(f"{name} holds no keys: a study starts with `study: NAME`")
        _check(root, name)
        tree = yaml.load(data, Loader=_Loader)
    except yaml.YAMLError as error:
        raise StudyError(f"{name} is not YAML: {_first_line(error)}") from error
    except RecursionError as error:
        raise StudyError(f"{name} is nested too deeply to be a study") from error
    return Source(name, tree, root)


def scalar(text: str) -> Json:
    """The value a piece of YAML stands for, as on the command line in `--set a.b=VALUE`.

    Raises:
        StudyError: it is not YAML.
    """
    try:
        value: Json = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise StudyError(f"'{text}' is not a YAML value: {_first_line(error)}") from error
    return value


def _check(root: yaml.Node, name: str) -> None:
    """Refuse keys given twice, and trees that are huge once aliases are written out."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = MAX_NODES  # what a node that contains itself counts as
            _check_keys(node, name)
            sizes[id(node)] = 1 + sum(size(child) for child in _children(node))
        return sizes[id(node)]

    if size(root) > MAX_NODES:
        raise StudyError(f"{name} stands for more than {MAX_NODES:,} values: use fewer aliases")


def _check_keys(node: yaml.Node, name: str) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise StudyError(f"{name}, line {line}: a key must be a word")
        if key.value in seen:
            raise StudyError(f"{name}, line {line}: '{key.value}' is given twice; keep one")
        seen.add(key.value)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _below(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Mark] | None:
    """One step down, and where that starts; a name in a list of names finds the name itself."""
    if isinstance(node, yaml.MappingNode):
        # The key's own mark: a value in block style starts on the next line.
        found = [(value, key.start_mark) for key, value in node.value if key.value == str(step)]
    elif isinstance(node, yaml.SequenceNode):
        wanted = node.value[step : step + 1] if isinstance(step, int) else node.value
        found = [
            (child, child.start_mark)
            for child in wanted
            if isinstance(step, int) or child.value == step
        ]
    else:
        found = []
    return found[0] if found else None


def _first_line(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return str(error).partition("\n")[0]
