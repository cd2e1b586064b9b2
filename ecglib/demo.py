"""The classifier demo: what it knows (``demo_state``) joined with its looks (``demo_view``).

::

    demo = ClassifierDemo(classifier, beats[split.test], protocol)
    demo.view
"""

import logging
from collections.abc import Callable
from functools import wraps

from ecglib.beats import Beats
from ecglib.classifier import Classifier
from ecglib.demo_state import Gallery, cautions
from ecglib.demo_view import STEP, DemoView
from ecglib.uploads import read_beats


class ClassifierDemo:
    """Look at beats, one at a time, and at what the classifier says of them.

    Parameters
    ----------
    classifier : Classifier
    beats : Beats
        The test beats of a split.
    protocol : str
        Of that split. The view says so if the model was trained under another one.
    seed : int
        Of the button "Random".

    Attributes
    ----------
    gallery : Gallery
        The state: of the test beats, or of the beats that were uploaded last.
    view : DemoView
        The widget to display.
    """

    def __init__(
        self, classifier: Classifier, beats: Beats, protocol: str = "kaggle", seed: int = 0
    ):
        self.classifier = classifier
        self.seed = seed
        self.gallery = self.test_beats = Gallery(classifier, beats, seed)
        told = cautions(classifier.card, protocol, beats.synthetic)
        self.view = DemoView(classifier.threshold, told)
        self._wire()
        self._show()

    def _wire(self) -> None:
        view = self.view
        view.previous.on_click(self._guarded(lambda _: self.gallery.step(-1)))
        view.next.on_click(self._guarded(lambda _: self.gallery.step(1)))
        view.random.on_click(self._guarded(lambda _: self.gallery.jump()))
        view.back.on_click(self._guarded(lambda _: self._offer(self.test_beats)))
        view.whole.on_click(self._guarded(lambda _: view.show_whole_beat()))
        for control in (view.class_name, view.verdict, view.order):
            control.observe(self._guarded(self._select), names="value")
        view.threshold.observe(self._guarded(self._set_threshold), names="value")
        view.upload.observe(self._guarded(self._read_upload), names="value")
        view.with_attention.observe(self._guarded(self._set_attention), names="value")

    def _guarded(self, action: Callable) -> Callable:
        """A callback that acts, then shows the state; what goes wrong is written in the view.

        Nothing else would say it: an error in a widget's callback is lost without a trace in
        Voilà, and doesn't fail a batch run.
        """

        @wraps(action)
        def callback(event) -> None:
            try:
                self.view.say("")
                action(event)
                self._show()
            except ValueError as error:  # a sentence for whoever is in front of the screen
                self.view.say(str(error), error=True)
            except Exception as error:
                logging.getLogger(__name__).exception("A callback of the demo failed")
                self.view.say(
                    f"{type(error).__name__}: {error}. This is a fault of the program; run the "
                    "notebook again if it stays.",
                    error=True,
                )

        return callback

    def _show(self) -> None:
        gallery = self.gallery
        position = f"Beat {gallery.position + 1:,} of {len(gallery):,}"
        if len(gallery) < len(gallery.beats):
            position += f" (of {len(gallery.beats):,} in all)"
        self.view.show(gallery.reading(), position, gallery.summary())

    def _select(self, _) -> None:
        view = self.view
        self.gallery.select(view.class_name.value, view.verdict.value, view.order.value)

    def _set_threshold(self, change) -> None:
        # The browser moves a threshold such as 0.957 to the slider's nearest step: no one did.
        if abs(change.new - self.gallery.threshold) > STEP / 2:
            self.gallery.threshold = change.new

    def _set_attention(self, change) -> None:
        self.view.attention.visible = change.new

    def _read_upload(self, change) -> None:
        if not change.new:
            return
        file = change.new[0]
        self.view.upload.value = ()  # otherwise the same file, mended, would not be noticed again
        beats, understood = read_beats(bytes(file["content"]), file["name"])
        self._offer(Gallery(self.classifier, beats, self.seed))
        self.view.say(understood)

    def _offer(self, gallery: Gallery) -> None:
        """Let the view show other beats, all of them at first."""
        view = self.view
        gallery.threshold = self.gallery.threshold
        self.gallery = gallery
        for control in (view.class_name, view.verdict, view.order):
            control.index = 0
        self._select(None)
        view.back.disabled = gallery is self.test_beats
