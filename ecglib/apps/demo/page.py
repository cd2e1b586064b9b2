"""The classifier demo: joins its state (``session``) with its widgets (``view``).

::

    demo = ClassifierDemo(classifier, beats[split.test], protocol)
    demo.view
"""

from collections.abc import Callable

from ecglib.apps.demo.safe_callback import SafeCallback
from ecglib.apps.demo.state.background import Jobs
from ecglib.apps.demo.state.export import as_annotations, as_csv, normal_scores, results
from ecglib.apps.demo.state.gallery import Gallery
from ecglib.apps.demo.state.session import ABOUT, Session
from ecglib.apps.demo.state.uploads import Corrections
from ecglib.apps.demo.widgets.about import about_html, cautions
from ecglib.apps.demo.widgets.elements import table_html
from ecglib.apps.demo.widgets.view import STEP, DemoView
from ecglib.beats.beats import Beats
from ecglib.models.classifier import Classifier

ROWS = 25  # of the table, at a time


class ClassifierDemo:
    """Look at beats and recordings, and at their predictions.

    Parameters
    ----------
    classifier : Classifier
    beats : Beats
        The test beats of a split.
    protocol : str
        Protocol of that split. The view warns if the model was trained under another one.
    seed : int
        Seed of the button "Random".
    models : mapping of str to Path, optional
        Model files to choose from besides `classifier`, by name.
    folder : Path, optional
        Folder of the recordings that the test beats were cut from.
    samples : Path, optional
        A folder of CSV files to try.
    proba : ndarray, shape (n, 5), optional
        Class probabilities of `beats`, if known already.

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
        self._safe = SafeCallback(self.view.say, self._go_on)
        self._jobs = Jobs(self._safe.lock, self.view.show_job, self._fail)
        self._wire()
        self._safe(lambda _: None)(None)

    @property
    def gallery(self) -> Gallery | None:
        """The beats of the current page."""
        return self.session.gallery

    def wait(self) -> None:
        """Wait until all computations are done; for notebooks and tests."""
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
            button.on_click(self._safe(lambda _, action=action: action()))
        changed = {
            view.threshold: self._set_threshold,
            view.model: self._set_model,
            view.second: self._set_second,
            view.own.sample: lambda change: self._open(session.open_sample, change.new),
            view.own.recording: lambda change: self._open(session.open_recording, change.new),
        }
        changed |= dict.fromkeys(view.choices(), self._select)
        changed |= dict.fromkeys(view.own.corrections(), self._correct)
        # These need a new drawing only, which follows every action.
        changed |= dict.fromkeys(view.looks(), lambda change: None)
        for control, action in changed.items():
            control.observe(self._safe(action), names="value")
        view.pages.observe(self._safe(self._turn_to), names="selected_index")
        view.own.files.on_files(self._safe(self._receive))
        # Moving a trace redraws nothing else and does not disturb running work.
        for button, action in view.movements().items():
            button.on_click(self._safe(lambda _, action=action: action(), alone=True))
        view.stop.on_click(self._safe(lambda _: self._stop(), alone=True))
        refresh = self._safe(lambda _: view.strip.refresh(), alone=True)
        view.strip.x.scale.observe(refresh, names=["min", "max"])

    def _catch_up(self) -> None:
        """Compute what the current page lacks: at once if it is short, else in the background."""
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
        """Compute what is missing, and show the state."""
        self._catch_up()
        self._show()

    def _fail(self, error: Exception) -> None:
        self.session.stop()
        self._safe.report(error)
        self._safe(lambda _: self._show(), alone=True)(None)

    def _stop(self) -> None:
        self.session.stop()
        self._jobs.stop()

    # --- showing ---------------------------------------------------------------------------------

    def _show(self) -> None:
        view, session, gallery = self.view, self.session, self.gallery
        with self._safe.quietly():
            warnings = session.strip.recording.warnings if session.strip else ()
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
        scores = normal_scores(session.tests) if current else {}
        self.view.about.value = about_html(session.classifier.card, scores)

    # --- actions of a person ---------------------------------------------------------------------

    def _select(self, _) -> None:
        self.gallery.select(*(control.value for control in self.view.choices()))

    def _next_abnormal(self) -> None:
        if not self.gallery.next_abnormal():
            self.view.say("No other selected beat is predicted as abnormal.")

    def _set_threshold(self, change) -> None:
        # The browser itself moves a threshold such as 0.957 to the slider's nearest step.
        if abs(change.new - self.session.tests.threshold) > STEP / 2:
            self.session.set_threshold(change.new)

    def _set_model(self, change) -> None:
        session, view = self.session, self.view
        with self._safe.or_back(change):
            session.use_model(change.new)
        with self._safe.quietly():
            view.threshold.value = round(session.classifier.threshold, 2)
            view.offer_second([name for name in session.model_names() if name != change.new])
        session.compare_with(view.second.value)
        self.view.show_cautions(self._cautions())
        if self.session.page == ABOUT:
            self._tell_about()

    def _set_second(self, change) -> None:
        with self._safe.or_back(change):
            self.session.compare_with(change.new)

    def _open(self, open_files: Callable[[str], None], name: str) -> None:
        if name:
            self._jobs.stop()  # it works on other files
            open_files(name)

    def _receive(self, files: dict[str, bytes] | ValueError) -> None:
        if isinstance(files, ValueError):
            raise files
        with self._safe.quietly():
            self.view.own.forget_choice()
        self._jobs.stop()
        self.session.open_files(files)

    def _correct(self, _) -> None:
        page, session = self.view.own, self.session
        self._jobs.stop()
        fs = session.corrections.fs if page.fs.value == session.known_fs else page.fs.value
        session.correct(
            Corrections(
                kind=page.kind.value,
                fs=fs or None,
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
            raise ValueError("Annotations need a recording. Choose one first.")
        content = as_annotations(self.gallery, self.session.strip)
        self._save(f"{self.session.name}_classified.atr", content, "application/octet-stream")

    def _save(self, name: str, content: bytes, mime: str) -> None:
        self.view.own.files.save(name, content, mime)
        self.view.say(f"Your browser saves {len(self.gallery):,} beats as {name}.")
