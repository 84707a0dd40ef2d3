"""Rhythm of questions to the tracker, and the time that answers are kept."""

import threading
import time
import weakref

import pytest

from dashboards.live import studies as module
from dashboards.live.studies import Studies

NEVER = 3600.0  # seconds, longer than any test


class Followed:
    """A reading, compared by identity."""


class Tracker:
    """Stands for a store: counts what it is asked, and answers when it may."""

    def __init__(self, *names):
        self.study_of = names
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.is_asked = threading.Event()
        self.pages = 1
        self.grows = False

    def study_names(self):
        self.asked += 1
        return self.study_of

    def follow_study(self, name, progress):
        return Feed(self, progress)


class Feed:
    def __init__(self, tracker, progress):
        self.tracker, self.progress = tracker, progress
        self.latest = Followed()

    def read(self):
        self.tracker.is_asked.set()
        assert self.tracker.may_answer.wait(60)
        for page in range(self.tracker.pages):
            self.progress(1000 * (page + 1))
        if self.tracker.grows:
            self.latest = Followed()
        return self.latest


def wait_until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def seconds(monkeypatch):
    """Sets the times between readings, until nobody looks, and until a study is forgotten."""

    def set_(*, poll, idle=NEVER, forget=NEVER):
        monkeypatch.setattr(module, "POLL_SECONDS", poll)
        monkeypatch.setattr(module, "_IDLE_SECONDS", idle)
        monkeypatch.setattr(module, "FORGET_SECONDS", forget)

    return set_


def test_a_page_that_asks_often_does_not_make_the_tracker_be_asked_more_often(seconds):
    seconds(poll=0.4)
    tracker = Tracker("one")
    studies = Studies(tracker)
    began = time.monotonic()
    studies.start()
    while time.monotonic() < began + 1.6:
        studies.names()
        studies.state("one")
        time.sleep(0.02)
    # At the start, for the study that was not read yet, and then at each of the times.
    assert tracker.asked <= 2 + (time.monotonic() - began) / 0.4


def test_a_study_first_asked_for_during_a_reading_is_read_right_after_it(seconds):
    seconds(poll=NEVER)
    tracker = Tracker("one", "two")
    tracker.may_answer.clear()
    studies = Studies(tracker)
    studies.state("one")
    studies.start()
    assert tracker.is_asked.wait(60)
    studies.state("two")
    tracker.may_answer.set()
    wait_until(lambda: studies.state("two").followed is not None)


@pytest.mark.parametrize("look", [Studies.names, lambda studies: studies.state("one")])
def test_who_looks_again_after_a_while_waits_for_no_clock(seconds, look):
    seconds(poll=NEVER, idle=0.2)
    tracker = Tracker("one")
    studies = Studies(tracker)
    studies.state("one")
    studies.start()
    wait_until(lambda: studies.state("one").followed is not None)
    time.sleep(0.3)
    asked = tracker.asked
    look(studies)
    wait_until(lambda: tracker.asked > asked)


def test_a_study_is_forgotten_also_where_nobody_looks_at_anything(seconds):
    seconds(poll=0.05, idle=0.1, forget=0.2)
    studies = Studies(Tracker("one"))
    studies.state("one")
    studies.start()
    wait_until(lambda: studies.state("one").followed is not None)
    read = weakref.ref(studies.state("one").followed)
    wait_until(lambda: read() is None)


def test_a_server_begun_anew_has_other_versions_than_its_pages_know():
    versions = set()
    for _ in range(2):
        studies = Studies(Tracker("one"))
        studies.state("one")
        studies.poll()
        versions.add(studies.state("one").version)
    assert len(versions) == 2


def test_reading_a_known_study_anew_is_no_news_before_it_is_whole():
    tracker = Tracker("one")
    tracker.pages, tracker.grows = 10, True
    studies = Studies(tracker)
    studies.state("one")
    studies.poll()
    before = studies.state("one")
    assert before.runs_read == 10_000
    studies.poll()
    after = studies.state("one")
    assert after.followed is not before.followed
    assert after.version == before.version + 1


def test_an_answer_that_is_no_list_of_studies_is_told_and_asked_for_again():
    tracker = Tracker("one")
    studies = Studies(tracker)
    tracker.study_names = lambda: int("no JSON")
    studies.poll()
    assert "no JSON" in studies.names().error
    del tracker.study_names
    studies.poll()
    assert studies.names() == (("one",), "")
