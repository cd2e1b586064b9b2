"""What can be set of the HTTP API."""

import os
from pathlib import Path

from pydantic import BaseModel, Field

from ecglib.paths import DEFAULT_MODEL, MODELS

THIS_MACHINE = ("localhost", "127.0.0.1", "::1", "[::1]")


def parted(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


class Settings(BaseModel, frozen=True):
    """What can be set, each by an environment variable: ``ECG_API_PORT=8080``."""

    host: str = Field("127.0.0.1", description="Address to listen at; 0.0.0.0 is all networks.")
    port: int = Field(8000, ge=1, le=65535)
    model: Path = MODELS / f"{DEFAULT_MODEL}.safetensors"
    hosts: str = Field("", description="Names that it may be called by, parted by commas.")
    origins: str = Field("", description="Web pages' origins that may call, parted by commas.")
    max_mb: int = Field(128, ge=1, le=4096, description="Of a recording; a Holter day has 93 MB.")
    queue: int = Field(4, ge=1, le=1000, description="Files in work or waiting.")
    processes: int = Field(1, ge=1, le=256, description="Files in work at a time.")
    seconds: int = Field(600, ge=1, le=86_400, description="That a file may be in work.")

    @property
    def known_hosts(self) -> list[str]:
        """Names that it may be called by; empty for any.

        Who listens to this machine alone is called by its names alone: another one would be that
        of a web page, whose server says it is here.
        """
        own = list(THIS_MACHINE) if self.host in THIS_MACHINE else []
        return parted(self.hosts) or own

    @property
    def known_origins(self) -> list[str]:
        """Origins of the web pages that may call."""
        return parted(self.origins)

    @classmethod
    def from_environment(cls) -> "Settings":
        """The settings of this process.

        Raises
        ------
        ValidationError
        """
        given = {name: os.environ.get(f"ECG_API_{name.upper()}") for name in cls.model_fields}
        return cls(**{name: value for name, value in given.items() if value is not None})
