"""Requests and answers of the HTTP API as types; the documentation at /docs is made from them."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from ecglib.beats.beats import BEAT_SAMPLES
from ecglib.beats.prepared import SHORTEST

Letter = Literal["N", "S", "V", "F", "Q"]
ClassName = Literal["Normal", "Supraventricular", "Ventricular", "Fusion", "Unknown"]
Probability = Annotated[float, Field(ge=0, le=1)]
Value = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False, strict=True)]
Notes = Annotated[list[str], Field(description="Assumptions that were made.")]


class Refused(HTTPException):
    """A refused request; its detail is our own sentence and repeats no data of the request."""


class Problem(BaseModel):
    """An error as RFC 9457 defines it. It never repeats data of the request."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[Literal["where", "problem"], str]] | None = None


class About(BaseModel):
    message: str
    version: str
    docs: str = Field(description="URL of the documentation.")
    model_loaded: bool
    note: str


class Health(BaseModel):
    status: Literal["ok", "degraded"]
    ready: bool = Field(description="Whether the service can answer requests now.")
    model_loaded: bool
    model: str | None = Field(description="Name on the model card.")
    model_sha256: str | None
    version: str = Field(description="Version of the project.")
    reason: str | None = Field(description="Why the service is not ready.")


class Signal(BaseModel):
    signal: list[Value] = Field(
        min_length=SHORTEST,
        max_length=BEAT_SAMPLES,
        description="One beat, cut from its R peak to shortly after the next one, at 120 Hz. "
        f"Beats with fewer than {BEAT_SAMPLES} values are padded with zeros; values outside 0 … 1 "
        "are scaled. Send whole recordings to /recordings.",
        examples=[[0.98, 0.93, 0.41, 0.07, 0.0, 0.09, 0.13, 0.12, 0.1, 0.09, *[0.1] * 40]],
    )


class SampleQuery(BaseModel):
    count: int = Field(5, ge=1, le=100)
    seed: int | None = Field(
        None, ge=0, le=2**32 - 1, description="The same seed gives the same beats."
    )
    letter: Letter | None = Field(None, alias="class", description="Only beats of this class.")


class Prediction(BaseModel):
    """The prediction for one beat: calibrated probabilities of the five classes."""

    Normal: Probability
    Supraventricular: Probability
    Ventricular: Probability
    Fusion: Probability
    Unknown: Probability
    predicted_class: ClassName
    label: Letter
    confidence: Probability = Field(description="Probability of the predicted class.")
    is_uncertain: bool = Field(description="Whether the confidence is below the threshold.")
    threshold: Probability


class SignalPrediction(Prediction):
    notes: Notes


class DrawnPrediction(Prediction):
    """A prediction together with the beat, for drawing it."""

    signal_raw: list[float] = Field(description="The values that were sent, without padding.")
    signal_normalized: list[float] = Field(description="The network's input: 187 values, 0 … 1.")
    true_label: ClassName | None = Field(description="True class, if it is known.")
    true_label_id: int | None = Field(ge=0, le=4)
    is_correct: bool | None


class FilePrediction(DrawnPrediction):
    rows: int = Field(description="Number of beats in the file.")
    notes: Notes


class TestSample(DrawnPrediction):
    index: int = Field(description="Index among the test beats.")
    record: str
    sample: int = Field(description="Position of the beat in the record, in samples at 360 Hz.")


class TestSamples(BaseModel):
    samples: list[TestSample]
    count: int
    synthetic: bool
    source: str = Field(description="Origin of the beats, in words.")


class RowPrediction(Prediction):
    row: int = Field(ge=1)
    true_label: ClassName | None
    is_correct: bool | None


class BatchPrediction(BaseModel):
    """All beats of a file, with the accuracy if the file holds labels."""

    predictions: list[RowPrediction]
    count: int
    counts: dict[ClassName, int] = Field(description="Number of beats by class.")
    accuracy: Probability | None
    correct: int | None
    notes: Notes


class RecordingSummary(BaseModel):
    duration_s: float
    fs: float = Field(description="Sampling rate in Hz.")
    lead: str = Field(description="The lead that was classified.")
    beats: int
    counts: dict[ClassName, int]
    unreadable: int = Field(description="Beats whose signal is too poor to classify.")
    uncertain: int
    mean_heart_rate_bpm: float | None


class BeatTable(BaseModel):
    """One entry per beat in every column."""

    time_s: list[float]
    sample: list[int] = Field(description="Sample number at the recording's sampling rate.")
    label: list[Letter | Literal[""]] = Field(description="Empty if the beat is unreadable.")
    confidence: list[Probability]
    probability: dict[Letter, list[Probability]] = Field(description="One column per class.")
    uncertain: list[bool]


class RecordingResult(BaseModel):
    """The beats that were found in a recording, each with its predicted class."""

    summary: RecordingSummary
    beats: BeatTable | None
    notes: Notes
