"""The classifier as an HTTP service: ``python -m ecglib.api``, then http://localhost:8000/docs.

Settings are environment variables, see `ecglib.apps.api.settings`. Without any, the service answers
programs on this machine only, and no web page but its own.
"""

import os
import sys

from pydantic import ValidationError

from ecglib.apps.api.settings import Settings


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

        from ecglib.apps.api.app import create_app
        from ecglib.apps.api.http import json_logs
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
