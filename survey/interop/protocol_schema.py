"""The JSON Schema of a protocol file, made from what the loader checks, so that an editor can complete and explain."""

import ast
import inspect
import json
import textwrap
from collections.abc import Mapping
from typing import Any, cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from survey.interop.protocol_file import ProtocolFile

_ABOUT = "The shape of a protocol. Made by the loader, not by hand. Names, circles and texts are checked on loading."


def schema() -> dict[str, Any]:
    """The schema as plain data. It says what the loader's first look says; names and circles are the second look's."""
    made = cast(dict[str, Any], _plain(ProtocolFile.model_json_schema(by_alias=True, schema_generator=_Described)))
    return {**made, "$schema": GenerateJsonSchema.schema_dialect, "title": "Daytwo protocol", "description": _ABOUT}


def as_text() -> str:
    """The schema as it stands in config/protocols/protocol.schema.json."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


class _Described(GenerateJsonSchema):
    """Adds the docstring below each field as its description. Only here: reading sources would slow every start."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        fields = schema["cls"].model_fields
        for name, description in _docstrings(schema["cls"]).items():
            made["properties"][fields[name].alias or name]["description"] = description
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _docstrings(model: type) -> Mapping[str, str]:
    """The model's fields, inherited ones among them, that a docstring follows."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if cls.__module__.startswith("survey."):
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
            found |= _documented(cast(ast.ClassDef, tree))
    return found


def _documented(tree: ast.ClassDef) -> Mapping[str, str]:
    return {
        field.target.id: inspect.cleandoc(after.value.value)
        for field, after in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
    }


def _plain(part: Any) -> Any:
    """Without the names of our classes as titles, and with every mapping closed to keys that match no pattern."""
    if isinstance(part, list):
        return [_plain(each) for each in part]
    if not isinstance(part, dict):
        return part
    kept = {key: _plain(each) for key, each in part.items() if not (key == "title" and isinstance(each, str))}
    return {**kept, "additionalProperties": False} if "patternProperties" in kept else kept
