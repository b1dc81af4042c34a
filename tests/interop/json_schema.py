"""Just enough of JSON Schema to hold a document against one of ours. A keyword that it does not know is an error."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
Found = Iterator[str]

NOTES = {"$defs", "$schema", "default", "description", "title"}
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "number": (int, float),
    "object": dict,
    "string": str,
}


def objections(document: object, root: Schema) -> list[str]:
    """What speaks against the document, each with the path to it."""
    return list(_objections(document, root, root, "$"))


def _objections(value: Any, schema: Schema, root: Schema, path: str) -> Found:
    for keyword in schema.keys() - NOTES:
        yield from KEYWORDS[keyword](value, schema, root, path)


def _reference(value: Any, schema: Schema, root: Schema, path: str) -> Found:
    return _objections(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, path)


def _type(value: Any, schema: Schema, _root: Schema, path: str) -> Found:
    fits = isinstance(value, TYPES[schema["type"]]) and (schema["type"] == "boolean") == isinstance(value, bool)
    if not fits:
        yield f"{path}: not of type {schema['type']}"


def _properties(value: Any, schema: Schema, root: Schema, path: str) -> Found:
    """Named properties, patterns of names, and what is left."""
    if not isinstance(value, dict):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    rest = schema.get("additionalProperties", True)
    for key, part in value.items():
        fitting = [named[key]] if key in named else [one for name, one in patterns.items() if re.search(name, key)]
        if not fitting and rest is False:
            yield f"{path}.{key}: not allowed"
        for one in fitting or ([rest] if isinstance(rest, dict) else []):
            yield from _objections(part, one, root, f"{path}.{key}")


def _required(value: Any, schema: Schema, _root: Schema, path: str) -> Found:
    if isinstance(value, dict):
        yield from (f"{path}.{key}: missing" for key in schema["required"] if key not in value)


def _items(value: Any, schema: Schema, root: Schema, path: str) -> Found:
    for place, part in enumerate(value if isinstance(value, list) else []):
        yield from _objections(part, schema["items"], root, f"{path}.{place}")


def _alternatives(keyword: str, most: int) -> Callable[..., Found]:
    def check(value: Any, schema: Schema, root: Schema, path: str) -> Found:
        fitting = sum(not list(_objections(value, one, root, path)) for one in schema[keyword])
        if not 1 <= fitting <= most:
            yield f"{path}: {fitting} alternatives fit"

    return check


def _within(keyword: str, measure: Callable[[Any], Any], kinds: tuple[type, ...], sign: int) -> Callable[..., Found]:
    def check(value: Any, schema: Schema, _root: Schema, path: str) -> Found:
        if isinstance(value, kinds) and sign * (measure(value) - schema[keyword]) < 0:
            yield f"{path}: {keyword} is {schema[keyword]}"

    return check


def _one_of(keyword: str) -> Callable[..., Found]:
    def check(value: Any, schema: Schema, _root: Schema, path: str) -> Found:
        if value not in (schema[keyword] if keyword == "enum" else [schema[keyword]]):
            yield f"{path}: not {schema[keyword]}"

    return check


def _pattern(value: Any, schema: Schema, _root: Schema, path: str) -> Found:
    if isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{path}: does not match {schema['pattern']}"


def _told_elsewhere(_value: Any, _schema: Schema, _root: Schema, _path: str) -> Found:
    """`additionalProperties` looks at all three of them together; each mapping of ours has it."""
    return iter(())


KEYWORDS: Mapping[str, Callable[..., Found]] = {
    "$ref": _reference,
    "additionalProperties": _properties,
    "anyOf": _alternatives("anyOf", 99),
    "const": _one_of("const"),
    "enum": _one_of("enum"),
    "items": _items,
    "maxItems": _within("maxItems", len, (list,), -1),
    "maxProperties": _within("maxProperties", len, (dict,), -1),
    "maximum": _within("maximum", float, (int, float), -1),
    "minItems": _within("minItems", len, (list,), 1),
    "minLength": _within("minLength", len, (str,), 1),
    "minProperties": _within("minProperties", len, (dict,), 1),
    "minimum": _within("minimum", float, (int, float), 1),
    "oneOf": _alternatives("oneOf", 1),
    "pattern": _pattern,
    "patternProperties": _told_elsewhere,
    "properties": _told_elsewhere,
    "required": _required,
    "type": _type,
}
