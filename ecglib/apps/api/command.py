"""The classifier as an HTTP service: ``ecg-api`` or ``python -m ecglib.api``.

The documentation is then at http://localhost:8000/docs. Settings are environment variables, see
`ecglib.apps.api.settings`. By default only programs on this machine and the service's own web pages
are answered.
"""

import os
import sys


def main() -> int:
    """Serve until stopped; returns 2 if a setting is wrong or a package is missing."""
    # One thread per worker, set before the numerical libraries are imported; children inherit it.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        import uvicorn
        from pydantic import ValidationError

        from ecglib.apps.api.app import create_app
        from ecglib.apps.api.http import HEADERS, json_logs
        from ecglib.apps.api.settings import Settings
    except ImportError as error:
        print(f"{error}. Install the API: pip install -e '.[api]'", file=sys.stderr)
        return 2
    try:
        settings = Settings.from_environment()
    except ValidationError as error:
        for fault in error.errors():
            print(f"ECG_API_{str(fault['loc'][0]).upper()}: {fault['msg']}.", file=sys.stderr)
        return 2
    json_logs()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        headers=HEADERS,
        log_config=None,  # json_logs has done it
        access_log=False,  # log_request writes one line per request
        server_header=False,
    )
    return 0
