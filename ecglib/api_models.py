"""What the HTTP API takes and gives, as types: the documentation at /docs is made from them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ecglib.beats import BEAT_SAMPLES
from ecglib.labels import CLASS_NAMES, CLASSES

ClassLetter = Literal["N", "S", "V", "F", "Q"]
Probability = Annotated[float, Field(ge=0, le=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
MAX_SAMPLES = 3
