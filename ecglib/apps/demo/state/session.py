"""What a person is doing in the demo: which page, which models, which ECG of their own.

It knows what has to be computed next, but not how to do it without keeping anybody waiting.
"""

from collections.abc import Mapping
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
    """The state of the demo; see ``ClassifierDemo`` for the parameters.

    Attributes
    ----------
    classifier : Classifier
        The model in use.
    second : Classifier or None
        The model it is compared with.
    page : {TEST, OWN, ABOUT}
    tests : Gallery
        Of the test beats.
    own : Gallery or None
        Of what was handed in, once it is classified.
    upload : Upload or None
        What was handed in, as it was understood.
    """

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
        rhythm: np.ndarray | None = None,
    ):
        self.classifier, self.second = classifier, None
        self.page = TEST
        self.upload: Upload | None = None
        self.corrections = Corrections()
        self.own: Gallery | None = None
        self._seed, self._folder, self._samples = seed, folder, samples
        name = str(classifier.card.get("name", "this one"))
        self._loaded = {name: classifier}
        self._files = {other: path for other, path in (models or {}).items() if other != name}
        traces = recorded_traces(folder, beats)
        self.tests = Gallery(classifier, beats, seed, proba, traces, rhythm=rhythm)
        self._strip: Strip | None = None
        self._handed_in: dict[str, bytes] = {}
        self._unread = self._unclassified = self._stopped = False

    # --- what there is ---------------------------------------------------------------------------

    @property
    def gallery(self) -> Gallery | None:
        """What the page in sight shows; None where there is nothing to show."""
        return {TEST: self.tests, OWN: self.own}.get(self.page)

    @property
    def strip(self) -> Strip | None:
        """The recording in sight."""
        return self._strip if self.page == OWN and self.own is not None else None

    @property
    def name(self) -> str:
        """Of what is in sight, as part of a file name."""
        named = "test_beats" if self.page == TEST or self.upload is None else self.upload.name
        return Path(named).stem.replace(" ", "_")

    @property
    def known_fs(self) -> float:
        """Sampling rate in Hz, as a person or else the file tells it; 0 where nobody knows."""
        recording = self.upload.recording if self.upload else None
        return self.corrections.fs or (float(np.nan_to_num(recording.fs)) if recording else 0.0)

    def model_names(self) -> list[str]:
        """Of the models to choose from, the first one in use."""
        return [*self._loaded, *(name for name in self._files if name not in self._loaded)]

    def recordings(self) -> list[str]:
        """Names of recordings to try."""
        return record_names(self._folder) if self._folder else []

    def samples(self) -> list[str]:
        """Names of files to try."""
        found = self._samples.glob("*.csv") if self._samples else []
        return sorted(path.name for path in found)

    # --- what a person does ----------------------------------------------------------------------

    def turn_to(self, page: int) -> None:
        """Go to another page."""
        self.page, self._stopped = page, False

    def stop(self) -> None:
        """Compute nothing more until something new is asked for."""
        self._stopped = True

    def use_model(self, name: str) -> None:
        """Classify with another model from now on, and by its own threshold."""
        self.classifier = self._load(name)
        self._unclassified |= self.own is not None
        self._stopped = False
        for gallery in filter(None, (self.tests, self.own)):
            gallery.set_threshold(self.classifier.threshold)

    def compare_with(self, name: str) -> None:
        """Show a second model beside the first; none with an empty name."""
        self.second, self._stopped = self._load(name) if name else None, False

    def _load(self, name: str) -> Classifier:
        if name not in self._loaded:
            self._loaded[name] = Classifier.load(self._files[name])
        return self._loaded[name]

    def set_threshold(self, threshold: float) -> None:
        """Confidence below which a beat is called uncertain."""
        for gallery in filter(None, (self.tests, self.own)):
            gallery.set_threshold(threshold)

    def hand_in(self, files: dict[str, bytes], at_once: bool = False) -> None:
        """Take files; `at_once` classifies them without asking."""
        self._handed_in, self.corrections = files, Corrections()
        self.upload = self.own = None
        self._unread, self._unclassified, self._stopped = True, at_once, False

    def hand_in_sample(self, name: str) -> None:
        """Take one of `samples`."""
        self.hand_in({name: (self._samples / name).read_bytes()}, at_once=True)

    def hand_in_recording(self, name: str) -> None:
        """Take one of `recordings`."""
        paths = [self._folder / f"{name}.{kind}" for kind in ("hea", "dat", "atr")]
        files = {path.name: path.read_bytes() for path in paths if path.is_file()}
        self.hand_in(files, at_once=True)

    def correct(self, corrections: Corrections) -> None:
        """Read the files again, with what a person says of them."""
        self.corrections, self.own = corrections, None
        self._unread, self._unclassified = bool(self._handed_in), False
        self._stopped = False

    def classify(self) -> None:
        """Classify what was handed in.

        Raises
        ------
        ValueError
            There is nothing, or its sampling rate is not known.
        """
        if self.upload is None:
            raise ValueError("There is nothing to classify yet: hand in a file first.")
        if not self.upload.ready:
            raise ValueError(f"{self.upload.name}: give its sampling rate in Hz first.")
        self._unclassified, self._stopped = True, False

    # --- what has to be computed -----------------------------------------------------------------

    def next_work(self) -> Work | None:
        """What the page in sight still lacks; None where it lacks nothing."""
        gallery = self.gallery
        if self._stopped:
            return None
        if self.page == OWN and self._unread:
            return self._work_of_reading()
        if self.page == OWN and self._unclassified and self.upload and self.upload.ready:
            return self._work_on_upload(self.upload)
        if gallery is None:
            return None
        if gallery.classifier is not self.classifier:  # of the tests: the own are classified above
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
        files, corrections = self._handed_in, self.corrections

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
        classifier = self.classifier

        def do(progress: Progress) -> tuple[Gallery, Strip | None]:
            if upload.recording is not None:
                return classify_upload(classifier, upload, self._seed, progress)
            gallery = Gallery(classifier, upload.beats, self._seed, trace=written_traces(upload))
            gallery.proba = gallery.classify(progress)
            return gallery, None

        def take(found: tuple[Gallery, Strip | None]) -> None:
            self.own, self._strip = found
            self._unclassified = classifier is not self.classifier  # another may be in use by now
            self.own.set_threshold(self.tests.threshold)

        doing = "Finding and classifying the beats of" if upload.recording else "Classifying"
        few = upload.beats is not None and len(upload.beats) <= BATCH
        return Work((upload, classifier), f"{doing} {upload.name}", do, take, short=few)
