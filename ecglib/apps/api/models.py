"""What the HTTP API takes and gives, as types; the documentation at /docs is made from them."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from ecglib.beats.beats import BEAT_SAMPLES

Letter = Literal["N", "S", "V", "F", "Q"]
ClassName = Literal["Normal", "Supraventricular", "Ventricular", "Fusion", "Unknown"]
Probability = Annotated[float, Field(ge=0, le=1)]
Value = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
SHORTEST = 20  # samples; fewer are no beat


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it. It never repeats what was sent."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
    errors: list["Fault"] | None = None


class Fault(BaseModel):
    """One value of a request that does not fit."""

    where: str = Field(examples=["body.signal.3"])
    problem: str


class About(BaseModel):
    """Where things are."""

    message: str
    version: str
    docs: str
    model_loaded: bool
    note: str


class Health(BaseModel):
    """The state of the service as it is."""

    status: Literal["ok", "degraded"]
    ready: bool = Field(description="Whether a request sent now would be answered.")
    model_loaded: bool
    model: str | None = Field(description="Name on the model card.")
    model_sha256: str | None
    version: str = Field(description="Of the project.")
    reason: str | None = Field(description="Why it is not ready.")


class Signal(BaseModel):
    """One beat."""

    signal: list[Value] = Field(
        min_length=SHORTEST,
        max_length=BEAT_SAMPLES,
        description=f"One beat, cut from its R peak to shortly after the next one, at 120 Hz. A "
        f"beat shorter than {BEAT_SAMPLES} values is filled up with zeros; values outside 0 … 1 "
        "are scaled. Whole recordings go to /recordings.",
        examples=[[0.98, 0.93, 0.41, 0.07, 0.0, 0.09, 0.13, 0.12, 0.1, 0.09, *[0.1] * 40]],
    )
    description: str | None = Field(None, max_length=200, description="Not used, not kept.")


class Prediction(BaseModel):
    """What the classifier says of one beat: calibrated probabilities of the five classes."""

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
    notes: list[str] = Field(description="What was assumed.")


class DrawnPrediction(Prediction):
    """A prediction with the beat to draw beside it."""

    signal_raw: list[float] = Field(description="As it came, without padding.")
    signal_normalized: list[float] = Field(description="As the network sees it: 187 values, 0 … 1.")
    true_label: ClassName | None = Field(description="Where it is known.")
    true_label_id: int | None = Field(ge=0, le=4)
    is_correct: bool | None


class FilePrediction(DrawnPrediction):
    """The first beat of a file."""

    rows: int = Field(description="How many beats the file has.")
    notes: list[str]


class TestSample(DrawnPrediction):
    index: int = Field(description="Number among the test beats.")
    record: str
    sample: int = Field(description="Where in the record the beat is, in samples at 360 Hz.")


class TestSamples(BaseModel):
    samples: list[TestSample]
    count: int
    synthetic: bool
    source: str = Field(description="Where the beats come from, in words.")


class RowPrediction(Prediction):
    row: int = Field(ge=1)
    true_label: ClassName | None
    is_correct: bool | None


class BatchPrediction(BaseModel):
    """All beats of a file; accuracy where the file holds labels."""

    predictions: list[RowPrediction]
    count: int
    counts: dict[ClassName, int] = Field(description="How many beats of each class.")
    accuracy: Probability | None
    correct: int | None
    notes: list[str]


class RecordingSummary(BaseModel):
    duration_s: float
    fs: float = Field(description="Sampling rate in Hz.")
    lead: str = Field(description="The one that was classified.")
    beats: int
    counts: dict[ClassName, int]
    no_verdict: int = Field(description="Beats where the signal is too poor for a class.")
    uncertain: int
    mean_heart_rate_bpm: float | None


class BeatTable(BaseModel):
    """One entry a beat in every column."""

    time_s: list[float]
    sample: list[int] = Field(description="At the recording's own rate.")
    label: list[Letter | Literal[""]] = Field(description="Empty where there is no verdict.")
    confidence: list[Probability]
    probability: dict[Letter, list[Probability]] = Field(description="One column a class.")
    uncertain: list[bool]


class RecordingResult(BaseModel):
    """A whole recording: its beats found, each of them classified."""

    summary: RecordingSummary
    beats: BeatTable | None
    notes: list[str]
