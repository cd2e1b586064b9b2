"""Work in the background: one piece at a time, and nothing shown of what was given up."""

import threading

from ecglib.apps.demo.state.background import Jobs, Work


def test_newer_work_takes_the_place_of_older() -> None:
    done: list[str] = []
    go_on = threading.Event()
    jobs = Jobs(threading.RLock(), lambda what, share: None, lambda error: done.append("failed"))

    def wait_first(progress) -> str:
        assert go_on.wait(60)
        progress(0.5)  # raises: other work has begun
        return "old"

    jobs.start(Work("a", "old", wait_first, done.append), lambda: None)
    old = jobs._thread
    jobs.start(Work("a", "old", wait_first, done.append), lambda: None)
    assert jobs._thread is old  # the same work goes on
    jobs.start(Work("b", "new", lambda progress: "new", done.append), lambda: None)
    jobs.wait()
    go_on.set()
    old.join(60)
    assert done == ["new"]


def test_what_is_stopped_is_not_shown_any_more() -> None:
    """Work that tells its share while somebody presses Stop must not come back to the page."""
    lock, shown = threading.RLock(), []
    telling, stopped = threading.Event(), threading.Event()

    def show(what: str, share: float | None) -> None:
        if what:
            telling.set()
            stopped.wait(0.2)
        shown.append(what)

    jobs = Jobs(lock, show, lambda error: None)
    jobs.start(Work("a", "working", lambda progress: "done", lambda result: None), lambda: None)
    assert telling.wait(60)
    with lock:  # as the page does
        jobs.stop()
        stopped.set()
    jobs.wait()
    assert shown[-1] == ""
