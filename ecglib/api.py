"""The classifier as an HTTP service: ``python -m ecglib.api``, then http://localhost:8000/docs.

Settings are environment variables, see `Settings`. Without any, the service answers programs on
this machine only, and no web page but its own.
"""

import os
import sys
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from ecglib.paths import DEFAULT_MODEL, MODELS


class Settings(BaseModel, frozen=True):
    """What can be set, each by an environment variable: ``ECG_API_PORT=8080``."""

    host: str = Field("127.0.0.1", description="Address to listen at; 0.0.0.0 is all networks.")
    port: int = Field(8000, ge=1, le=65535)
    model: Path = MODELS / f"{DEFAULT_MODEL}.safetensors"
    origins: str = Field("", description="Web pages' origins that may call, parted by commas.")
    max_mb: int = Field(128, ge=1, le=4096, description="Of a recording; a Holter day has 93 MB.")
    queue: int = Field(4, ge=1, le=1000, description="Files in work or waiting.")
    processes: int = Field(1, ge=1, le=256, description="Files in work at a time.")

    @classmethod
    def from_environment(cls) -> "Settings":
        """The settings of this process.

        Raises
        ------
        ValidationError
        """
        given = {name: os.environ.get(f"ECG_API_{name.upper()}") for name in cls.model_fields}
        return cls(**{name: value for name, value in given.items() if value is not None})


def main() -> int:
    """Serve until stopped; the exit code is 2 where a setting or a package is wrong."""
    # One thread a worker, before anything imports the numerical libraries; children inherit it.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        settings = Settings.from_environment()
    except ValidationError as error:
        for fault in error.errors():
            print(f"ECG_API_{str(fault['loc'][0]).upper()}: {fault['msg']}.", file=sys.stderr)
        return 2
    try:
        import uvicorn

        from ecglib.api_app import create_app
        from ecglib.api_http import json_logs
    except ImportError as error:
        print(f"{error}. Install the API: pip install -e '.[api]'", file=sys.stderr)
        return 2
    json_logs()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,  # ours, from json_logs
        access_log=False,  # our middleware writes a line a request
        server_header=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
