"""What every part of a strictly read file shares: no unknown keys, no silent conversion."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError


class Strict(BaseModel):
    """Part of a file. An unknown key is refused together with a list of the known ones."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        known = [field.alias or name for name, field in cls.model_fields.items()]
        unknown = [key for key in data if key not in known] if isinstance(data, dict) else []
        if unknown:
            allowed = {"key": unknown[0], "unknown": ", ".join(unknown), "allowed": ", ".join(known)}
            raise PydanticCustomError("unknown_key", "unknown key {unknown}; allowed: {allowed}", allowed)
        return data
