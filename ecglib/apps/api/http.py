"""The HTTP side of the API: problem answers, request limits, logs. It knows nothing of beats."""

import asyncio
import logging
import sys
import traceback
from collections.abc import Sequence
from contextlib import nullcontext
from http import HTTPMethod, HTTPStatus
from pathlib import Path

from asgi_correlation_id import CorrelationIdFilter
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, Gauge
from prometheus_fastapi_instrumentator.metrics import Info
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecglib.apps.api.schemas import Problem, Refused

MEDIA_TYPE = "application/problem+json"
BODY_SECONDS = 120  # time limit for the arrival of a whole request
FAULTS_SHOWN = 10
HEADERS = [("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")]

log = logging.getLogger("ecglib.api")

UNTRUSTED = (
    "Unknown host or origin. The administrator can allow it with ECG_API_HOSTS or ECG_API_ORIGINS."
)
# In place of the framework's sentences, which may repeat data of the request.
DETAILS = {
    400: "The request can't be read. Does its body have the form that its Content-Type says?",
    404: "There is nothing at this address. /docs lists all addresses.",
    405: "This address does not accept this method. /docs lists the methods it accepts.",
    408: f"The request did not arrive within {BODY_SECONDS} s.",
    413: "The request's body is larger than this address accepts. /docs describes the limits.",
    422: "The request does not have the form that /docs describes.",
    500: "An internal error has been logged. Other requests may still succeed.",
    503: "The service is busy. Try again in a few seconds.",
}


def problem(
    status: int, detail: str | None = None, headers: dict | None = None, errors: list | None = None
) -> JSONResponse:
    """An RFC 9457 answer."""
    detail = detail or DETAILS.get(status) or HTTPStatus(status).description
    content = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)
    return JSONResponse(content.model_dump(exclude_none=True), status, headers, MEDIA_TYPE)


async def http_problem(request: Request, error: HTTPException) -> JSONResponse:
    """The answer to an HTTPException, without the framework's own words."""
    detail = error.detail if isinstance(error, Refused) else None
    return problem(error.status_code, detail, error.headers)


async def invalid_problem(request: Request, error: RequestValidationError) -> JSONResponse:
    """The answer to an invalid request: the places of its faults, but not their values."""
    faults = [
        {"where": ".".join(map(str, fault["loc"])), "problem": fault["msg"]}
        for fault in error.errors()[:FAULTS_SHOWN]
    ]
    return problem(422, errors=faults)


def responses(*codes: int) -> dict[int, dict]:
    """The errors of an operation, for the documentation."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        code: {"description": HTTPStatus(code).phrase, "content": content}
        for code in (*codes, 403, 500)
    }


class RequestLimits:
    """Refuse untrusted origins and more requests than slots; answer all errors with problems.

    A request holds a slot of its path from its first byte to its answer.
    """

    def __init__(self, app: ASGIApp, registry: CollectorRegistry, slots: dict, origins: Sequence):
        self.app, self.origins = app, origins
        self.slots: dict[str, asyncio.Semaphore] = slots
        name = "http_requests_in_progress"
        self.in_progress = Gauge(name, "Requests in progress.", registry=registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = replaced = False

        async def send_problem(message: Message) -> None:
            nonlocal started, replaced
            if message["type"] == "http.response.start":
                started, status = True, message["status"]
                kind = Headers(raw=message["headers"]).get("content-type", "")
                if replaced := status >= 400 and kind.startswith("text/plain"):
                    # Of ready-made middleware; 400 is TrustedHostMiddleware's for unknown hosts.
                    answer = problem(403, UNTRUSTED) if status == 400 else problem(status)
                    await answer(scope, receive, send)
            if not replaced:
                await send(message)

        slots = self.slots.get(scope["path"])
        if self.is_untrusted(scope):
            await problem(403, UNTRUSTED)(scope, receive, send)
        elif slots and slots.locked():
            await problem(503, headers={"Retry-After": "5"})(scope, receive, send)
        else:
            try:
                with self.in_progress.track_inprogress():
                    async with slots or nullcontext():
                        await self.app(scope, with_deadline(receive), send_problem)
            except Exception:
                log.exception("error")
                if not started:
                    await problem(500)(scope, receive, send)

    def is_untrusted(self, scope: Scope) -> bool:
        """Whether a web page of another origin wants something computed."""
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        if scope["method"] != "POST" or not origin or {origin, "*"} & {*self.origins}:
            return False
        return origin.lower().partition("//")[2] != headers.get("host", "").lower()


def with_deadline(receive: Receive) -> Receive:
    """Receive a request, which has to arrive in time."""
    deadline = asyncio.get_running_loop().time() + BODY_SECONDS

    async def receive_in_time() -> Message:
        nonlocal deadline
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408) from None
        if not message.get("more_body", False):
            deadline = None  # the request is complete
        return message

    return receive_in_time


def log_request(info: Info) -> None:
    """Write one line per request, with the route's pattern, because a path may hold anything."""
    if info.method not in HTTPMethod.__members__:
        info.method = "other"  # for the metrics as well: every name would add lines to them
    about = {"method": info.method, "route": info.modified_handler}
    about |= {"status": int(info.modified_status), "ms": round(info.modified_duration * 1000, 1)}
    log.info("request", extra=about)


class LogFormatter(JsonFormatter):
    """Log lines as JSON, with the kind and place of errors but not their messages."""

    def formatException(self, ei: tuple) -> list[str]:  # noqa: N802 - logging's name
        steps = traceback.extract_tb(ei[2])[-8:]
        places = [f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in steps]
        return [ei[0].__name__, *places]


def json_logs() -> None:
    """Send all logs of this process to standard error, one JSON object per line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(CorrelationIdFilter())
    names = {"asctime": "time", "levelname": "level", "name": "logger", "message": "event"}
    names |= {"correlation_id": "id"}
    reserved = [*RESERVED_ATTRS, "color_message"]  # uvicorn's, for terminals
    handler.setFormatter(LogFormatter([*names], rename_fields=names, reserved_attrs=reserved))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it logs bytes of the body
