"""The API's addresses."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import Annotated

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import APIRouter, Depends, FastAPI, Form, Query, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.middleware import Middleware
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import PlainTextResponse, Response
from fastapi_standalone_docs import StandaloneDocs
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_fastapi_instrumentator import Instrumentator
from prometheus_fastapi_instrumentator.metrics import default as usual_metrics
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

import ecglib
from ecglib.apps.api import http, predict, schemas
from ecglib.apps.api.http import responses
from ecglib.apps.api.service import Service
from ecglib.apps.api.settings import Settings
from ecglib.paths import scratch

CAUTION = "Education and research only, not a medical device: do not use it for patient care."
BEAT_BYTES, BATCH_BYTES = 1_000_000, 10_000_000  # largest request body with one beat, with many
BEAT_SLOTS = 128  # requests with single beats in progress; Settings.queue is the limit for files
ONE_FILE = {"max_files": 1, "max_fields": 8}
RECORDING_FILES = {"max_files": 16, "max_fields": 8}
ERRORS = responses(400, 408, 413, 422, 503)

SINGLE_FILE = re.compile(r".*(\.(edf|bdf|ecg|csv|tsv|txt|zip))", re.I | re.S | re.A)
RECORD_FILE = re.compile(r"\w[\w-]{0,63}\.(hea|dat|atr)", re.ASCII)
FILES_WANTED = (
    "Send one EDF (.edf, .bdf), ISHNE (.ecg), text (.csv, .tsv, .txt) or zip file, or a .hea file "
    "with its .dat file. Names of .hea and .dat files consist of letters, digits, - and _."
)
FS_WANTED = "Sampling rate in Hz, if the file does not state it."

info = APIRouter(tags=["Info"], responses=responses())
beats = APIRouter(tags=["Beats"], max_body_size=BEAT_BYTES, form_limits=ONE_FILE)
batches = APIRouter(tags=["Beats"], max_body_size=BATCH_BYTES, form_limits=ONE_FILE)
recordings = APIRouter(tags=["Recordings"], form_limits=RECORDING_FILES)


def create_app(settings: Settings) -> FastAPI:
    """The application; its model is loaded when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with scratch() as folder:
            app.state.service = await asyncio.to_thread(Service, settings, folder)
            yield
            app.state.service.close()

    ProcessCollector(registry=(registry := CollectorRegistry()))
    for_beats, for_files = asyncio.Semaphore(BEAT_SLOTS), asyncio.Semaphore(settings.queue)
    slots = {route.path: for_beats for route in beats.routes}
    slots |= {route.path: for_files for route in (*batches.routes, *recordings.routes)}
    origins, hosts = settings.origins, settings.known_hosts
    app = FastAPI(
        title="ECG arrhythmia classifier",
        version=ecglib.__version__,
        description=f"Classifies heartbeats of one ECG lead into the five AAMI classes. {CAUTION}",
        lifespan=lifespan,
        exception_handlers={
            HTTPException: http.http_problem,
            RequestValidationError: http.invalid_problem,
        },
        middleware=[  # from the outside to the inside
            Middleware(CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"]),
            Middleware(http.RequestLimits, registry=registry, slots=slots, origins=origins),
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
        ],
    )
    for router in (info, beats, batches):
        app.include_router(router)
    app.include_router(recordings, max_body_size=settings.max_mb * 1_000_000)
    StandaloneDocs(app)  # /docs and /redoc from here, not from a CDN
    instruments = Instrumentator(should_group_status_codes=False, registry=registry)
    instruments.add(http.log_request, usual_metrics(registry=registry))
    instruments.instrument(app).expose(
        app, tags=["Info"], response_class=PlainTextResponse, responses=responses()
    )
    app.add_middleware(CorrelationIdMiddleware)  # outermost, so that every log line has the id
    # All errors in the documentation, which is made once, refer to this schema.
    _, own = models_json_schema([(schemas.Problem, "serialization")])
    app.openapi()["components"]["schemas"] |= own["$defs"]
    return app


async def service(request: Request) -> Service:
    return request.app.state.service


Running = Annotated[Service, Depends(service)]


@info.get("/")
async def about(request: Request, running: Running) -> schemas.About:
    """The service in short."""
    return schemas.About(
        message="ECG arrhythmia classifier",
        version=ecglib.__version__,
        docs=str(request.url_for("swagger_ui_html")),
        model_loaded=running.classifier is not None,
        note=CAUTION,
    )


@info.get("/health")
async def health(running: Running) -> schemas.Health:
    """The state of the service. The status is always 200; load balancers should ask /ready."""
    model = running.classifier
    return schemas.Health(
        status="ok" if model else "degraded",
        ready=model is not None,
        model_loaded=model is not None,
        model=model.card.get("name") if model else None,
        model_sha256=running.checksum,
        version=ecglib.__version__,
        reason=running.reason,
    )


@info.get("/ready", responses=responses(503))
async def ready(running: Running) -> schemas.Health:
    """200 if requests can be answered, 503 if not."""
    running.require_model()
    return await health(running)


@beats.post("/predict", responses=ERRORS)
async def predict_beat(running: Running, beat: schemas.Signal) -> schemas.SignalPrediction:
    """Classify one beat."""
    return await running.classify(predict.predict_values, beat.signal)


@beats.post("/upload-csv", responses=ERRORS)
async def upload_csv(running: Running, file: UploadFile) -> schemas.FilePrediction:
    """Classify the first beat of a CSV or text file.

    A row holds the 187 values of one beat, and may end with its label. Values are separated by
    commas, semicolons, tabs or spaces. A header is skipped. A single beat may also be a column.
    """
    return await running.classify(predict.predict_first, await file.read())


@batches.post("/batch-predict-csv", response_model=schemas.BatchPrediction, responses=ERRORS)
async def batch_predict_csv(running: Running, file: UploadFile) -> Response:
    """Classify every beat of a CSV or text file, one per row; score them if the file has labels."""
    content = await running.compute(predict.predict_all, await file.read())
    return Response(content, media_type="application/json")


@beats.get("/test-samples", responses=responses(422, 503))
async def test_samples(
    running: Running, query: Annotated[schemas.SampleQuery, Query()]
) -> schemas.TestSamples:
    """Random test beats with their true class and their prediction.

    They are from the published test split if the server has the recordings. Otherwise they are
    generated, and ``synthetic`` is true.
    """
    test, source = await running.test_beats()
    samples = await running.classify(predict.predict_samples, test, query)
    return schemas.TestSamples(
        samples=samples, count=len(samples), synthetic=test.synthetic, source=source
    )


@recordings.post("/recordings", response_model=schemas.RecordingResult, responses=ERRORS)
async def classify_recording(
    running: Running,
    files: list[UploadFile],
    fs: Annotated[float | None, Form(ge=1, le=10_000, description=FS_WANTED)] = None,
    lead: Annotated[int, Form(ge=0, le=63, description="Lead to classify, counted from 0.")] = 0,
    table: Annotated[bool, Form(description="Whether to list every beat.")] = True,
) -> Response:
    """Find and classify the beats of a whole recording.

    Send the ``.hea`` and ``.dat`` files of a WFDB record, or one EDF, ISHNE, text or zip file.
    """
    running.require_model()
    with TemporaryDirectory(dir=running.folder) as folder:
        path = await asyncio.to_thread(store, files, Path(folder))
        limit = running.settings.seconds
        content = await running.compute(predict.classify_files, path, fs, lead, table, limit)
    return Response(content, media_type="application/json")


def store(files: list[UploadFile], folder: Path) -> Path:
    """Write files to an empty folder; returns the one to read.

    The files of a WFDB record keep their names, because its header refers to them.
    """
    names = [file.filename or "" for file in files]
    headers = [name for name in names if name.endswith(".hea")]
    plain = all(RECORD_FILE.fullmatch(name) for name in names)
    if len(names) == 1 and (single := SINGLE_FILE.fullmatch(names[0])):
        names = ["sent" + single[1].lower()]
    elif not plain or len({*names}) < len(names) or len(headers) != 1:
        raise schemas.Refused(422, FILES_WANTED)
    for file, name in zip(files, names, strict=True):
        with (folder / name).open("xb") as target:
            copyfileobj(file.file, target)
    return folder / (headers or names)[0]
