"""What a person is doing in the demo: which page, which models, which ECG.

It knows the next thing to compute; `ecglib.apps.demo.page` computes it.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecglib.apps.demo.state.background import Progress, Work
from ecglib.apps.demo.state.gallery import BATCH, Gallery
from ecglib.apps.demo.state.recording import Strip, classify_upload, recorded_traces, written_traces
from ecglib.apps.demo.state.uploads import Corrections, Upload, read_upload
from ecglib.beats.beats import Beats
from ecglib.models.classifier import Classifier
from ecglib.recordings.wfdb import record_names

TEST, OWN, ABOUT = range(3)  # pages
SHORT_BYTES = 100_000  # files that are read at once


class Session:
    """The state of the demo; see ``ClassifierDemo`` for the parameters."""

    def __init__(
        self,
        classifier: Classifier,
        beats: Beats,
        seed: int = 0,
        *,
        models: Mapping[str, Path] | None = None,
        folder: Path | None = None,
        samples: Path | None = None,
        proba: np.ndarray | None = None,
    ):
        self.classifier = classifier
        self.second: Classifier | None = None  # to compare with
        self.page = TEST
        self.upload: Upload | None = None
        self.corrections = Corrections()
        self.own: Gallery | None = None  # the uploaded beats, once they are classified
        self._seed, self._folder, self._samples = seed, folder, samples
        name = str(classifier.card.get("name", "this one"))
        self._loaded = {name: classifier}
        self._files = {other: path for other, path in (models or {}).items() if other != name}
        self.tests = Gallery(classifier, beats, seed, proba, recorded_traces(folder, beats))
        self._strip: Strip | None = None
        self._uploaded: dict[str, bytes] = {}
        self._unread = self._unclassified = self._stopped = False

    # --- the current page ------------------------------------------------------------------------

    @property
    def gallery(self) -> Gallery | None:
        """The beats of the current page, if it has any."""
        return {TEST: self.tests, OWN: self.own}.get(self.page)

    @property
    def strip(self) -> Strip | None:
        """The recording of the current page, if it has one."""
        return self._strip if self.page == OWN and self.own is not None else None

    @property
    def name(self) -> str:
        """Name of the beats of the current page, as part of a file name."""
        named = "test_beats" if self.page == TEST or self.upload is None else self.upload.name
        return Path(named).stem.replace(" ", "_")

    @property
    def known_fs(self) -> float:
        """Sampling rate in Hz, given by the person or else by the file; 0 if unknown."""
        recording = self.upload.recording if self.upload else None
        return self.corrections.fs or (float(np.nan_to_num(recording.fs)) if recording else 0.0)

    def model_names(self) -> list[str]:
        """Names of the models to choose from, the first one in use."""
        return [*self._loaded, *(name for name in self._files if name not in self._loaded)]

    def recordings(self) -> list[str]:
        """Names of recordings to try."""
        return record_names(self._folder) if self._folder else []

    def samples(self) -> list[str]:
        """Names of files to try."""
        found = self._samples.glob("*.csv") if self._samples else []
        return sorted(path.name for path in found)

    # --- actions of a person ---------------------------------------------------------------------

    def turn_to(self, page: int) -> None:
        """Go to another page."""
        self.page, self._stopped = page, False

    def stop(self) -> None:
        """Compute nothing until the next action."""
        self._stopped = True

    def use_model(self, name: str) -> None:
        """Classify with another model and its threshold."""
        self.classifier = self._load(name)
        self._unclassified |= self.own is not None
        self._stopped = False
        self.set_threshold(self.classifier.threshold)

    def compare_with(self, name: str) -> None:
        """Show a second model beside the first; an empty name removes it."""
        self.second, self._stopped = self._load(name) if name else None, False

    def _load(self, name: str) -> Classifier:
        if name not in self._loaded:
            self._loaded[name] = Classifier.load(self._files[name])
        return self._loaded[name]

    def set_threshold(self, threshold: float) -> None:
        """Set the confidence below which a beat is uncertain."""
        for gallery in filter(None, (self.tests, self.own)):
            gallery.set_threshold(threshold)

    def open_files(self, files: dict[str, bytes], at_once: bool = False) -> None:
        """Read uploaded files; `at_once` classifies them as well."""
        self._uploaded, self.corrections = files, Corrections()
        self.upload = self.own = None
        self._unread, self._unclassified, self._stopped = True, at_once, False

    def open_sample(self, name: str) -> None:
        """Read and classify one of `samples`."""
        self.open_files({name: (self._samples / name).read_bytes()}, at_once=True)

    def open_recording(self, name: str) -> None:
        """Read and classify one of `recordings`."""
        paths = [self._folder / f"{name}.{kind}" for kind in ("hea", "dat", "atr")]
        files = {path.name: path.read_bytes() for path in paths if path.is_file()}
        self.open_files(files, at_once=True)

    def correct(self, corrections: Corrections) -> None:
        """Read the files again, with corrections."""
        self.corrections, self.own = corrections, None
        self._unread, self._unclassified = bool(self._uploaded), False
        self._stopped = False

    def classify(self) -> None:
        """Classify the uploaded file; a ValueError if there is none or its rate is unknown."""
        if self.upload is None:
            raise ValueError("Choose a file first.")
        if not self.upload.ready:
            raise ValueError(
                f"The sampling rate of {self.upload.name} is unknown. Enter it in Hz first."
            )
        self._unclassified, self._stopped = True, False

    # --- computations ----------------------------------------------------------------------------

    def next_work(self) -> Work | None:
        """The next computation for the current page, if any."""
        gallery = self.gallery
        if self._stopped:
            return None
        if self.page == OWN and self._unread:
            return self._work_of_reading()
        if self.page == OWN and self._unclassified and self.upload and self.upload.ready:
            return self._work_on_upload(self.upload)
        if gallery is None:
            return None
        if gallery.classifier is not self.classifier:  # test beats; an upload is classified above
            gallery = self.tests = gallery.with_model(self.classifier)
        if not gallery.ready:
            return self._work_on(gallery)
        if self.second is None:
            gallery.second = None
            return None
        if gallery.second is None or gallery.second.classifier is not self.second:
            gallery.second = gallery.with_model(self.second)
        return None if gallery.second.ready else self._work_on(gallery.second)

    def _work_on(self, gallery: Gallery) -> Work:
        def take(proba: np.ndarray) -> None:
            gallery.proba = proba

        name = gallery.classifier.card.get("name", "the model")
        what = f"Classifying {len(gallery.beats):,} beats with {name}"
        return Work(gallery, what, gallery.classify, take, short=len(gallery.beats) <= BATCH)

    def _work_of_reading(self) -> Work:
        files, corrections = self._uploaded, self.corrections

        def take(upload: Upload) -> None:
            self.upload, self._unread = upload, False

        return Work(
            (id(files), corrections),
            "Reading the file",
            lambda progress: read_upload(files, corrections),
            take,
            short=sum(map(len, files.values())) < SHORT_BYTES,
        )

    def _work_on_upload(self, upload: Upload) -> Work:
        classifier, own, strip = self.classifier, self.own, self._strip

        def do(progress: Progress) -> tuple[Gallery, Strip | None]:
            if own is None and upload.recording:
                return classify_upload(classifier, upload, self._seed, progress)
            if own is None:
                traces = written_traces(upload)
                gallery = Gallery(classifier, upload.beats, self._seed, trace=traces)
            else:  # the same beats with another model
                gallery = own.with_model(classifier)
            gallery.proba = gallery.classify(progress)
            return gallery, upload.recording and replace(strip, predicted=gallery.predicted)

        def take(found: tuple[Gallery, Strip | None]) -> None:
            self.own, self._strip = found
            self._unclassified = classifier is not self.classifier  # chosen in the meantime
            self.own.set_threshold(self.tests.threshold)

        doing = "Finding and classifying the beats of" if upload.recording else "Classifying"
        few = upload.beats is not None and len(upload.beats) <= BATCH
        return Work((upload, classifier), f"{doing} {upload.name}", do, take, short=few)
