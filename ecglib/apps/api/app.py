"""The API's addresses: what each takes, and who answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import APIRouter, FastAPI, Form, Query, Request, UploadFile
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse, Response
from fastapi_standalone_docs import StandaloneDocs
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

import ecglib
from ecglib.apps.api import models, work
from ecglib.apps.api.files import ALONE, FILES_WANTED, RECORD_FILE, classify_files, predict_all
from ecglib.apps.api.http import Gate, Refused, add_problem_handlers, document_problems, responses
from ecglib.apps.api.service import Service
from ecglib.apps.api.settings import Settings
from ecglib.paths import scratch

CAUTION = "Education and research only, not a medical device: nothing here may guide care."
# One beat in a request, many, or a recording: the largest body, and how many requests are in work
# at a time, files counting together.
BEAT_BYTES, BATCH_BYTES = 1_000_000, 10_000_000
BEAT_PLACES = 128
OF_BEATS = ("/predict", "/upload-csv", "/test-samples")
OF_FILES = ("/batch-predict-csv", "/recordings")
ONE_FILE = {"max_files": 1, "max_fields": 8}
RECORDING_FILES = {"max_files": 16, "max_fields": 8}
REFUSALS = responses(400, 408, 413, 422, 503)

info = APIRouter(tags=["Info"])
beats = APIRouter(tags=["Beats"], max_body_size=BEAT_BYTES, form_limits=ONE_FILE)
batches = APIRouter(tags=["Beats"], max_body_size=BATCH_BYTES, form_limits=ONE_FILE)


def create_app(settings: Settings) -> FastAPI:
    """The application, with its model loaded when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with scratch() as folder:
            app.state.service = service = Service(settings, folder)
            await asyncio.to_thread(service.load)
            yield
            service.close()

    app = FastAPI(
        title="ECG arrhythmia classifier",
        version=ecglib.__version__,
        description=f"Classifies heartbeats of one ECG lead by AAMI class. {CAUTION}",
        lifespan=lifespan,
    )
    registry = app.state.registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    largest = settings.max_mb * 1_000_000
    recordings = APIRouter(tags=["Recordings"], max_body_size=largest, form_limits=RECORDING_FILES)
    recordings.post("/recordings", response_model=models.RecordingResult, responses=REFUSALS)(
        classify_recording
    )
    for router in (info, beats, batches, recordings):
        app.include_router(router)
    add_problem_handlers(app)
    document_problems(app)
    StandaloneDocs(app)  # /docs and /redoc from here, not from a CDN
    app.add_middleware(
        Gate,
        registry=registry,
        largest=dict.fromkeys(OF_BEATS, BEAT_BYTES)
        | {"/batch-predict-csv": BATCH_BYTES, "/recordings": largest},
        places={OF_BEATS: BEAT_PLACES, OF_FILES: settings.queue},
        hosts=settings.known_hosts,
        origins=(origins := settings.known_origins),
    )
    if origins:
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"])
    return app


def service(request: Request) -> Service:
    return request.app.state.service


# --- what this is, and how it is ----------------------------------------------------------------


@info.get("/", responses=responses())
async def about(request: Request) -> models.About:
    """Where things are."""
    return models.About(
        message="ECG arrhythmia classifier",
        version=ecglib.__version__,
        docs=str(request.url_for("swagger_ui_html")),
        model_loaded=service(request).classifier is not None,
        note=CAUTION,
    )


@info.get("/health", responses=responses())
async def health(request: Request) -> models.Health:
    """How the service is; 200 as long as it answers at all. /ready is for load balancers."""
    of = service(request)
    loaded = of.classifier is not None
    return models.Health(
        status="ok" if loaded else "degraded",
        ready=loaded,
        model_loaded=loaded,
        model=of.classifier.card.get("name") if of.classifier else None,
        model_sha256=of.checksum,
        version=ecglib.__version__,
        reason=of.reason,
    )


@info.get("/ready", responses=responses(503))
async def ready(request: Request) -> models.Health:
    """200 if requests can be answered, 503 if not."""
    service(request).require_model()
    return await health(request)


@info.get("/metrics", response_class=PlainTextResponse, responses=responses())
async def metrics(request: Request) -> Response:
    """Numbers of requests and times to answer, for Prometheus."""
    return PlainTextResponse(generate_latest(request.app.state.registry))


# --- beats --------------------------------------------------------------------------------------


@beats.post("/predict", responses=REFUSALS)
async def predict(request: Request, beat: models.Signal) -> models.SignalPrediction:
    """Classify one beat."""
    return await service(request).classify(work.predict_values, beat.signal)


@beats.post("/upload-csv", responses=REFUSALS)
async def upload_csv(request: Request, file: UploadFile) -> models.FilePrediction:
    """Classify the first beat of a CSV or text file: 187 numbers in a row, a label may follow.

    Commas, semicolons, tabs or spaces part the numbers; a header is skipped; a single beat may
    stand in a column.
    """
    return await service(request).classify(work.predict_first, await file.read())


@batches.post("/batch-predict-csv", response_model=models.BatchPrediction, responses=REFUSALS)
async def batch_predict_csv(request: Request, file: UploadFile) -> Response:
    """Classify every beat of a CSV or text file, one a row, and score it where it holds labels."""
    of = service(request)
    of.require_model()
    content = await of.compute(predict_all, str(of.settings.model), await file.read())
    return Response(content, media_type="application/json")


@beats.get("/test-samples", responses=responses(422, 503))
async def test_samples(
    request: Request,
    count: Annotated[int, Query(ge=1, le=100)] = 5,
    seed: Annotated[
        int | None, Query(ge=0, le=2**32 - 1, description="Same seed, same beats.")
    ] = None,
    letter: Annotated[
        models.Letter | None, Query(alias="class", description="Only beats of this class.")
    ] = None,
) -> models.TestSamples:
    """Test beats drawn at random, with their true class: of the published test split where the
    recordings are on the server, else generated ones, and ``synthetic`` says so."""
    of = service(request)
    of.require_model()
    test, source = await of.test_beats()
    samples = await of.classify(work.predict_samples, test, count, seed, letter)
    return models.TestSamples(
        samples=samples, count=len(samples), synthetic=test.synthetic, source=source
    )


# --- recordings ---------------------------------------------------------------------------------


async def classify_recording(
    request: Request,
    files: list[UploadFile],
    fs: Annotated[
        float | None, Form(ge=1, le=10_000, description="Sampling rate in Hz, if no file tells it.")
    ] = None,
    lead: Annotated[int, Form(ge=0, le=63, description="Lead to classify, counted from 0.")] = 0,
    table: Annotated[bool, Form(description="Whether to list every beat, too.")] = True,
) -> Response:
    """Find and classify the beats of a whole recording.

    It is a WFDB record's ``.hea`` and ``.dat``, or one EDF, ISHNE, text or zip file.
    """
    of = service(request)
    of.require_model()
    with TemporaryDirectory(dir=of.folder) as folder:
        path = await asyncio.to_thread(store, files, Path(folder))
        content = await of.compute(
            classify_files, str(of.settings.model), path, fs, lead, table, of.settings.seconds
        )
    return Response(content, media_type="application/json")


def store(files: list[UploadFile], folder: Path) -> Path:
    """Write files to an empty folder and return the one to read.

    The names of a WFDB record stay, because its header refers to them.
    """
    names = [file.filename or "" for file in files]
    headers = [name for name in names if name.endswith(".hea")]
    plain = all(RECORD_FILE.fullmatch(name) for name in names)
    suffix = names[0].rpartition(".")[2].lower()
    if len(names) == 1 and suffix in ALONE:
        names = [f"sent.{suffix}"]
    elif not plain or len({*names}) < len(names) or len(headers) != 1:
        raise Refused(422, FILES_WANTED)
    for file, name in zip(files, names, strict=True):
        with (folder / name).open("xb") as target:
            copyfileobj(file.file, target)
    return folder / (headers or names)[0]
