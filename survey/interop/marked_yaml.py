"""Reads a strict dialect of YAML into plain data, and remembers on which line each part stands."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import yaml

Path = tuple[str | int, ...]
"""Keys and list positions from the top of the document."""

MOST_CHARACTERS = 1_000_000

_HINT = "a text with a mark such as , : ? { } or # has to stand in quotes, and what stands inside is indented by spaces"


class _Loader(yaml.SafeLoader):
    """YAML 1.2's plain scalars: only true and false are booleans, so the option `no` stays the word no."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (the name is the library's)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]{0,8})$"), list("-0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^-?(?:0|[1-9][0-9]{0,8})\.[0-9]{1,4}$"), list("-0123456789")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])


@dataclass(slots=True)
class Marked:
    """A document: the data, the line of each part (from 1), and what was refused while reading (line, sentence)."""

    data: object = None
    lines: dict[Path, int] = field(default_factory=dict)
    refused: list[tuple[int, str]] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of the part at `path`, or of the nearest part above it that exists."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(text: str) -> Marked:
    """The document in `text`. What is not allowed (two keys alike, anchors, tags) is listed, never guessed at."""
    marked = Marked()
    if len(text) > MOST_CHARACTERS:
        marked.refused.append((1, f"the file is longer than {MOST_CHARACTERS} characters"))
        return marked
    try:
        root = yaml.compose(text, Loader=_Loader)
        marked.data = _Reader(marked).value(root, ()) if root else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        marked.refused.append((mark.line + 1 if mark else 1, f"this is not YAML: {error.problem}; {_HINT}"))
    except yaml.YAMLError as error:
        marked.refused.append((1, f"this is not YAML: {error}"))
    except RecursionError:
        marked.refused.append((1, "lists and mappings stand inside one another too deeply"))
    return marked


_SCALARS: Mapping[str, Callable[[str], object]] = {
    "bool": lambda written: written == "true",
    "int": int,
    "float": float,
    "null": lambda _written: None,
    "str": str,
}


class _Reader:
    """Walks the nodes once; a node met twice is an alias."""

    def __init__(self, marked: Marked) -> None:
        self._marked = marked
        self._met: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> object:
        self._marked.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._met:
            self._refuse(node, "write the part out again: anchors and aliases are not allowed")
            return None
        self._met.add(id(node))
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self.value(part, (*path, place)) for place, part in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and kind in _SCALARS:
            return _SCALARS[kind](node.value)
        self._refuse(node, f"the tag {node.tag} is not allowed; leave it out")
        return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Mapping[str, object]:
        found: dict[str, object] = {}
        for key_node, part in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                self._refuse(key_node, "a key has to be one word")
            elif key in found:
                first = self._marked.lines[(*path, key)]
                self._refuse(key_node, f"the key {key} stands here twice, first on line {first}; keep one")
            else:
                self._marked.lines[(*path, key)] = key_node.start_mark.line + 1
                found[key] = self.value(part, (*path, key))
        return found

    def _refuse(self, node: yaml.Node, sentence: str) -> None:
        self._marked.refused.append((node.start_mark.line + 1, sentence))
