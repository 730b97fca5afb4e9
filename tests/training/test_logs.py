"""The course of a training, on a disk that becomes full."""

import threading
from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event

from calovox.files.whole import DiskFullError
from calovox.training.runs.logs import TrainingLog, read_metrics
from calovox.training.runs.state import Step
from tests.full_disk import no_file_above


def step(number: int) -> Step:
    return Step(number, 0, 10, {"nll": 1.5}, 1e-3, 2.0)


def started(folder: Path, *, at: int = 0) -> TrainingLog:
    log = TrainingLog(folder, every=1)
    log.start_at(at)
    return log


def read_events(folder: Path) -> list[Event]:
    """Read records: a length of eight bytes, a sum of four, the content, a sum of four."""
    (path,) = folder.glob("events.*")
    content, events = path.read_bytes(), []
    while content:
        size = int.from_bytes(content[:8], "little")
        events.append(Event.FromString(content[12 : 12 + size]))
        content = content[16 + size :]
    return events


def test_events_are_those_that_tensorboard_reads(tmp_path: Path) -> None:
    log = started(tmp_path, at=4)
    log.step(step(5))
    log.end()
    first, start, *events = read_events(tmp_path)
    assert first.file_version == "brain.Event:2"
    assert (start.step, start.session_log.status) == (5, start.session_log.START)
    values = {event.summary.value[0].tag: event.summary.value[0].simple_value for event in events}
    assert values["loss/nll"] == 1.5
    assert {event.step for event in events} == {5}


def test_a_full_disk_is_one_error_and_no_thread_speaks(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log, n_threads = started(tmp_path), threading.active_count()
    with (
        no_file_above(1000),
        pytest.raises(DiskFullError, match=r"metrics\.csv: the disk is full"),
    ):
        for number in range(1, 40):
            log.step(step(number))
    log.end()
    assert threading.active_count() == n_threads
    assert capfd.readouterr().err == ""
    steps = [n for n, name, _ in read_metrics(tmp_path / "metrics.csv") if name == "loss/nll"]
    assert steps == list(range(1, len(steps) + 1))
