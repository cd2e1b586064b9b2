"""The classifier demo: what it knows (``session``) joined with its looks (``view``).

::

    demo = ClassifierDemo(classifier, beats[split.test], protocol)
    demo.view
"""

from collections.abc import Callable

from ecglib.apps.demo.guard import Guard
from ecglib.apps.demo.state.background import Jobs
from ecglib.apps.demo.state.gallery import Gallery
from ecglib.apps.demo.state.results import as_annotations, as_csv, results
from ecglib.apps.demo.state.session import ABOUT, Session
from ecglib.apps.demo.state.uploads import Corrections
from ecglib.apps.demo.widgets.about import about_html, cautions
from ecglib.apps.demo.widgets.html import table_html
from ecglib.apps.demo.widgets.view import STEP, DemoView
from ecglib.beats.beats import Beats
from ecglib.models.classifier import Classifier

ROWS = 25  # of the table, at a time


class ClassifierDemo:
    """Look at beats and recordings, and at what the classifier says of them.

    Parameters
    ----------
    classifier : Classifier
    beats : Beats
        The test beats of a split.
    protocol : str
        Of that split. The view says so if the model was trained under another one.
    seed : int
        Of the button "Random".
    models : mapping of str to Path, optional
        Model files to choose from besides `classifier`, by name.
    folder : Path, optional
        Of the recordings that the test beats were cut from.
    samples : Path, optional
        A folder of CSV files to try.
    proba : ndarray, shape (n, 5), optional
        What the classifier says of `beats`, where it is known already.
    rhythm : ndarray, shape (n, 6), optional
        Of `beats`, as ``rhythm_features`` gives it for all beats of their recordings.

    Attributes
    ----------
    session : Session
        The state.
    view : DemoView
        The widget to display.
    """

    def __init__(
        self,
        classifier: Classifier,
        beats: Beats,
        protocol: str = "kaggle",
        seed: int = 0,
        **details,
    ):
        self.session = session = Session(classifier, beats, seed, **details)
        self.protocol = protocol
        self._offered: Gallery | None = None
        self.view = DemoView(
            classifier.threshold,
            self._cautions(),
            session.model_names(),
            session.recordings(),
            session.samples(),
        )
        self._guard = Guard(self.view.say, self._go_on)
        self._jobs = Jobs(self._guard.lock, self.view.show_job, self._fail)
        self._wire()
        self._guard(lambda _: None)(None)

    @property
    def gallery(self) -> Gallery | None:
        """The beats in sight."""
        return self.session.gallery

    def wait(self) -> None:
        """Until everything that was asked for has been computed; for notebooks and tests."""
        self._jobs.wait()

    def _cautions(self) -> list[str]:
        session = self.session
        return cautions(session.classifier.card, self.protocol, session.tests.beats.synthetic)

    # --- wiring ----------------------------------------------------------------------------------

    def _wire(self) -> None:
        view, session = self.view, self.session
        pressed = {
            view.previous: lambda: self.gallery.step(-1),
            view.next: lambda: self.gallery.step(1),
            view.random: lambda: self.gallery.jump(),
            view.abnormal: self._next_abnormal,
            view.own.classify: session.classify,
            view.csv: self._save_csv,
            view.atr: self._save_atr,
        }
        for button, action in pressed.items():
            button.on_click(self._guard(lambda _, action=action: action()))
        changed = {
            view.threshold: self._set_threshold,
            view.model: self._set_model,
            view.second: self._set_second,
            view.own.sample: lambda change: self._open(session.hand_in_sample, change.new),
            view.own.recording: lambda change: self._open(session.hand_in_recording, change.new),
        }
        changed |= dict.fromkeys(view.choices(), self._select)
        changed |= dict.fromkeys(view.own.corrections(), self._correct)
        # Drawing anew, which follows everything, is all that these ask for.
        changed |= dict.fromkeys(view.looks(), lambda change: None)
        for control, action in changed.items():
            control.observe(self._guard(action), names="value")
        view.pages.observe(self._guard(self._turn_to), names="selected_index")
        view.own.files.on_files(self._guard(self._receive))
        # Moving a trace draws nothing else anew, and leaves work that is going on alone.
        for button, action in view.movements().items():
            button.on_click(self._guard(lambda _, action=action: action(), alone=True))
        view.stop.on_click(self._guard(lambda _: self._stop(), alone=True))
        refresh = self._guard(lambda _: view.strip.refresh(), alone=True)
        view.strip.x.scale.observe(refresh, names=["min", "max"])

    def _catch_up(self) -> None:
        """Compute what the page in sight lacks: at once if it is short, else in the background."""
        while (work := self.session.next_work()) is not None:
            if not work.short:
                self._jobs.start(work, self._go_on)
                return
            try:
                work.take(work.do(lambda share: None))
            except Exception as error:
                self._fail(error)
                return

    def _go_on(self) -> None:
        """Something has changed: show it, and compute what is still lacking."""
        self._catch_up()
        self._show()

    def _fail(self, error: Exception) -> None:
        self.session.stop()
        self._guard.report(error)
        self._guard(lambda _: self._show(), alone=True)(None)

    def _stop(self) -> None:
        self.session.stop()
        self._jobs.stop()

    # --- showing ---------------------------------------------------------------------------------

    def _show(self) -> None:
        view, session, gallery = self.view, self.session, self.gallery
        with self._guard.quietly():
            warnings = session.strip.warnings if session.strip else ()
            view.own.show_upload(session.upload, session.known_fs, session.corrections, warnings)
            if gallery is not None and gallery is not self._offered:
                self._offered = gallery
                gallery.select()
                view.offer(gallery.patients)
        view.show_body(gallery is not None)
        if gallery is None:
            return
        position = f"Beat {gallery.position + 1:,} of {len(gallery):,}"
        if len(gallery) < len(gallery.beats):
            position += f" (of {len(gallery.beats):,} in all)"
        view.show(gallery.reading(), position, gallery.summary())
        shown = int(gallery.chosen[gallery.position]) if len(gallery) else None
        view.show_strip(session.strip, shown)
        view.csv.disabled = not gallery.ready
        view.atr.disabled = session.strip is None
        view.table.value = self._table(gallery) if view.with_table.value else ""

    def _table(self, gallery: Gallery) -> str:
        if not gallery.ready or not len(gallery):
            return ""
        first = gallery.position // ROWS * ROWS
        rows = results(gallery, self.session.strip, slice(first, first + ROWS))
        return table_html(rows, first, gallery.position - first, len(gallery))

    def _turn_to(self, change) -> None:
        self.session.turn_to(change.new)
        if change.new == ABOUT:
            self._tell_about()

    def _tell_about(self) -> None:
        session = self.session
        current = session.tests.classifier is session.classifier
        self.view.about.value = about_html(
            session.classifier.card, session.tests if current else None
        )

    # --- what a person does ----------------------------------------------------------------------

    def _select(self, _) -> None:
        self.gallery.select(*(control.value for control in self.view.choices()))

    def _next_abnormal(self) -> None:
        if not self.gallery.next_abnormal():
            self.view.say("No other beat of this choice is called abnormal.")

    def _set_threshold(self, change) -> None:
        # The browser moves a threshold such as 0.957 to the slider's nearest step: no one did.
        if abs(change.new - self.session.tests.threshold) > STEP / 2:
            self.session.set_threshold(change.new)

    def _set_model(self, change) -> None:
        session, view = self.session, self.view
        with self._guard.or_back(change):
            session.use_model(change.new)
        with self._guard.quietly():
            view.threshold.value = round(session.classifier.threshold, 2)
            view.offer_second([name for name in session.model_names() if name != change.new])
        session.compare_with(view.second.value)
        self.view.show_cautions(self._cautions())
        if self.session.page == ABOUT:
            self._tell_about()

    def _set_second(self, change) -> None:
        with self._guard.or_back(change):
            self.session.compare_with(change.new)

    def _open(self, hand_in: Callable[[str], None], name: str) -> None:
        if name:
            self._jobs.stop()  # it is about other files
            hand_in(name)

    def _receive(self, files: dict[str, bytes] | ValueError) -> None:
        if isinstance(files, ValueError):
            raise files
        with self._guard.quietly():
            self.view.own.forget_choice()
        self._jobs.stop()
        self.session.hand_in(files)

    def _correct(self, _) -> None:
        page, session = self.view.own, self.session
        self._jobs.stop()
        told = session.corrections.fs if page.fs.value == session.known_fs else page.fs.value
        session.correct(
            Corrections(
                kind=page.kind.value,
                fs=told or None,
                lead=page.lead.value or 0,
                header=page.header.value,
                decimal=page.decimal.value,
            )
        )

    def _save_csv(self) -> None:
        content = as_csv(results(self.gallery, self.session.strip))
        self._save(f"{self.session.name}_classified.csv", content, "text/csv")

    def _save_atr(self) -> None:
        if self.session.strip is None:
            raise ValueError("Annotations belong to a recording: hand one in first.")
        content = as_annotations(self.gallery, self.session.strip)
        self._save(f"{self.session.name}_classified.atr", content, "application/octet-stream")

    def _save(self, name: str, content: bytes, mime: str) -> None:
        self.view.own.files.save(name, content, mime)
        self.view.say(f"{len(self.gallery):,} beats go to {name}, in your browser's downloads.")
