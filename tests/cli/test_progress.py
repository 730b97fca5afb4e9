import logging
import time

from calovox.cli import progress


def test_lines_count_the_batches_and_pass_them_on(capsys):
    batches = [[1, 2], [3]]
    assert list(progress.track(iter(batches), "work", 3, unit="numbers")) == batches
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("work: 3 of 3 numbers, ")
    assert captured.err.count("\n") == 1


def test_lines_tell_rate_and_time_left(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    with progress.progress_of("work", 10) as advance:
        advance(4)
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith("work: 4 of 10 showers, ")
    assert "showers/s" in first
    assert first.endswith("s left")


def test_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress.progress_of("work", 10) as advance:
        advance(10)
    assert "10/10" in capsys.readouterr().err


def test_first_line_does_not_wait_for_the_first_batch(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_TO_FIRST_LINE", 0.0)
    with progress.progress_of("work", 10):
        time.sleep(0.2)
        assert capsys.readouterr().err.startswith("work: 0 of 10 showers, at work")


def test_line_says_that_kernels_are_compiled(capsys, caplog, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_TO_FIRST_LINE", 0.1)
    log = logging.getLogger("calovox.kernels")
    caplog.set_level(logging.INFO, logger="calovox.kernels")
    with progress.progress_of("work", 10) as advance:
        log.info("compiling")
        time.sleep(0.4)
        assert "at work, compiling kernels" in capsys.readouterr().err
        advance(10)
    assert "compiling" not in capsys.readouterr().err
    assert not [h for h in log.handlers if isinstance(h, progress._Listener)]


def test_bar_has_no_end_while_kernels_are_compiled(capsys, caplog, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    log = logging.getLogger("calovox.kernels")
    caplog.set_level(logging.INFO, logger="calovox.kernels")
    with progress.progress_of("work", 10) as advance:
        log.info("compiling")
        time.sleep(0.3)
        advance(10)
    shown = capsys.readouterr().err
    assert "compiling kernels" in shown
    assert "10/10" in shown
