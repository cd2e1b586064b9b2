"""The HTTP side of the API: problems, places, metrics, logs. Nothing here knows of heartbeats."""

import asyncio
import logging
import math
import re
import sys
import time
import traceback
from collections import Counter as Tally
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecglib.apps.api.models import Problem

MEDIA_TYPE = "application/problem+json"
BODY_SECONDS = 120  # a request has to be here whole within this time
FAULTS_SHOWN = 10
RETRY_SECONDS = "5"
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}

log = logging.getLogger("ecglib.api")

STRANGER = (
    "This service doesn't know that name of it, or that web page: whoever runs it can allow them "
    "(ECG_API_HOSTS, ECG_API_ORIGINS)."
)

# Words for the errors that the framework raises, whose own may repeat what was sent.
WORDS = {
    400: "The request can't be read. Does its body have the form that its Content-Type says?",
    404: "There is nothing at this address. /docs lists what there is.",
    405: "This address does not answer to this method. /docs says which it does.",
    413: "The request's body is larger than this address takes; /docs says how large it may be.",
    408: f"The request was not here whole after {BODY_SECONDS} s.",
}


class Refused(HTTPException):
    """A request that is not served; the detail is a sentence of ours."""


def problem(
    status: int, detail: str, errors: list[dict] | None = None, headers: dict | None = None
) -> JSONResponse:
    """An RFC 9457 answer."""
    content = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)
    return JSONResponse(content.model_dump(exclude_none=True), status, headers, MEDIA_TYPE)


def busy() -> JSONResponse:
    """The answer to those who come when all places are taken."""
    detail = f"As many requests as allowed are being answered. Try again in {RETRY_SECONDS} s."
    return problem(503, detail, headers={"Retry-After": RETRY_SECONDS})


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error of the framework with a problem that repeats nothing of the request."""

    @app.exception_handler(HTTPException)
    async def known(request: Request, error: HTTPException) -> JSONResponse:
        ours = isinstance(error, Refused)
        detail = error.detail if ours else WORDS.get(error.status_code, "")
        detail = detail or HTTPStatus(error.status_code).description
        return problem(error.status_code, detail, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            {"where": ".".join(map(str, fault["loc"])), "problem": fault["msg"]}
            for fault in error.errors()[:FAULTS_SHOWN]
        ]
        return problem(422, "The request does not have the form that /docs describes.", faults)


def responses(*codes: int) -> dict[int, dict]:
    """What an operation's documentation says of its errors."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        code: {"description": HTTPStatus(code).phrase, "content": content}
        for code in (*codes, 403, 500)
    }


def document_problems(app: FastAPI) -> None:
    """Put the form of a problem into the app's documentation, which the responses refer to."""
    describe = app.openapi

    def openapi() -> dict:
        document = describe()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        own = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= own.pop("$defs", {}) | {"Problem": own}
        return document

    app.openapi = openapi


class Gate:
    """ASGI middleware that gives every request a place, a deadline, and a line in the log.

    Parameters
    ----------
    app : ASGIApp
    registry : CollectorRegistry
        Takes the metrics.
    largest : dict
        Bytes that the body of a request to a path may have; at other paths, nobody reads it. The
        framework counts them while it reads, we refuse what says beforehand that it is larger.
    places : dict
        How many requests may be in work at a time, from their first byte to their answer, by path;
        paths may share places by being in one tuple.
    hosts : list of str
        Names that this service may be called by; empty for any.
    origins : list of str
        Origins of web pages that may have something computed, beside its own; ``*`` is any.
    """

    def __init__(
        self,
        app: ASGIApp,
        registry: CollectorRegistry,
        largest: dict[str, int],
        places: dict[tuple[str, ...], int],
        hosts: Sequence[str] = (),
        origins: Sequence[str] = (),
    ):
        self.app = app
        self.hosts = hosts
        self.origins = origins
        self.largest = largest
        self.places = places
        self.taken: Tally[tuple[str, ...]] = Tally()
        self.requests = Counter(
            "http_requests", "Requests answered", ["route", "method", "status"], registry=registry
        )
        self.seconds = Histogram("http_seconds", "Time to answer", ["route"], registry=registry)
        self.in_work = Gauge("http_in_work", "Requests in work", registry=registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, identity, status = time.perf_counter(), uuid4().hex, 0
        deadline = asyncio.get_running_loop().time() + BODY_SECONDS
        body_is_here = False

        async def counted_receive() -> Message:
            nonlocal body_is_here
            if body_is_here:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408) from None
            body_is_here = not message.get("more_body", False)
            return message

        async def noted_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(HEADERS | {"X-Request-ID": identity})
            await send(message)

        shared = next((paths for paths in self.places if scope["path"] in paths), None)
        with self.in_work.track_inprogress():
            try:
                if self.is_stranger(scope):
                    await problem(403, STRANGER)(scope, receive, noted_send)
                elif shared and self.taken[shared] >= self.places[shared]:
                    await busy()(scope, receive, noted_send)
                elif declared_length(scope) > self.largest.get(scope["path"], math.inf):
                    await problem(413, WORDS[413])(scope, receive, noted_send)
                else:
                    self.taken[shared] += 1
                    try:
                        await self.app(scope, counted_receive, noted_send)
                    finally:
                        self.taken[shared] -= 1
            except Exception as error:  # the last line: nobody else answers or notes it
                note_error(error, identity)
                if not status:
                    detail = "Something went wrong here. It has been noted; try another request."
                    await problem(500, detail)(scope, receive, noted_send)
        # The route's pattern, not the path, which may hold anything.
        route = getattr(scope.get("route"), "path_format", "other")
        method = scope["method"] if scope["method"] in METHODS else "other"
        elapsed = time.perf_counter() - started
        self.requests.labels(route, method, status).inc()
        self.seconds.labels(route).observe(elapsed)
        about = {"id": identity, "method": method, "route": route, "status": status}
        log.info("request", extra=about | {"ms": round(elapsed * 1000, 1)})

    def is_stranger(self, scope: Scope) -> bool:
        """Whether a web page of somebody else's asks, by a name of its own or by its origin."""
        headers = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if self.hosts and host and re.sub(r":\d+$", "", host) not in self.hosts:
            return True
        known = (
            origin is None or {origin, "*"} & {*self.origins} or origin.partition("//")[2] == host
        )
        return scope["method"] == "POST" and not known


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}


def declared_length(scope: Scope) -> int:
    """What a request says of its body's size; 0 if it says nothing to be believed."""
    value = dict(scope["headers"]).get(b"content-length", b"")
    return int(value) if value.isdigit() and len(value) < 20 else 0


def note_error(error: BaseException, identity: str) -> None:
    """Log what kind of error it was and where, but not its message, which may hold data."""
    steps = traceback.extract_tb(error.__traceback__)[-8:]
    where = [f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in steps]
    log.error("error", extra={"id": identity, "kind": type(error).__name__, "where": where})


def json_logs() -> None:
    """Send all logs of this process to standard error, one JSON object a line."""
    handler = logging.StreamHandler(sys.stderr)
    fields = ["asctime", "levelname", "name", "message"]
    names = {"asctime": "time", "levelname": "level", "name": "logger", "message": "event"}
    reserved = [*RESERVED_ATTRS, "color_message"]  # uvicorn's, for terminals
    handler.setFormatter(JsonFormatter(fields, rename_fields=names, reserved_attrs=reserved))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it names bytes of the body
