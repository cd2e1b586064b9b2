"""Settings of the HTTP API."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from ecglib.paths import DEFAULT_MODEL, MODELS

THIS_MACHINE = ("localhost", "127.0.0.1", "::1", "[::1]")


def split(text: object) -> object:
    """The parts of a text between commas; anything but a text as it is."""
    if not isinstance(text, str):
        return text
    return [part.strip() for part in text.split(",") if part.strip()]


Host = Annotated[str, Field(pattern=r"^(\*|(\*\.)?[^*\s]+)$")]  # the middleware takes no others


class Settings(BaseModel, frozen=True):
    """Each setting is an environment variable: ``ECG_API_PORT=8080``."""

    host: str = Field("127.0.0.1", description="Address to listen at; 0.0.0.0 is all networks.")
    port: int = Field(8000, ge=1, le=65535)
    model: Path = MODELS / f"{DEFAULT_MODEL}.safetensors"
    hosts: Annotated[tuple[Host, ...], BeforeValidator(split)] = ()
    origins: Annotated[tuple[str, ...], BeforeValidator(split)] = ()
    max_mb: int = Field(128, ge=1, le=4096, description="Of a recording; a Holter day has 93 MB.")
    queue: int = Field(4, ge=1, le=1000, description="Files that are classified or wait.")
    processes: int = Field(1, ge=1, le=256, description="Files that are classified at a time.")
    seconds: int = Field(600, ge=1, le=86_400, description="Time limit for one file.")

    @property
    def known_hosts(self) -> list[str]:
        """Host names in requests that are answered.

        A service that only this machine can reach answers to this machine's names alone. Another
        name would come from a web page whose server claims to be this machine (DNS rebinding).
        """
        own = THIS_MACHINE if self.host in THIS_MACHINE else ("*",)
        return list(self.hosts or own)

    @classmethod
    def from_environment(cls) -> "Settings":
        """The settings of this process; raises ValidationError."""
        variables = {name: f"ECG_API_{name.upper()}" for name in cls.model_fields}
        return cls(**{n: os.environ[key] for n, key in variables.items() if key in os.environ})
