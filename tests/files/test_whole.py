import errno
import os
import re
import subprocess
import sys

import pytest

from calovox.files.whole import (
    DiskFullError,
    check_folder,
    remove_leftovers,
    whole_file,
    whole_folder,
)


def test_whole_file_leaves_nothing_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), whole_file(tmp_path / "x") as partial:
        partial.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_whole_file_keeps_the_old_file_after_an_error(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(RuntimeError), whole_file(path, overwrite=True) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"


def test_whole_file_refuses_to_replace_unless_told(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(FileExistsError, match="--force"), whole_file(path):
        pass
    with whole_file(path, overwrite=True) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"


def test_whole_file_names_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="create it first"), whole_file(tmp_path / "a/b"):
        pass


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    output = tmp_path / "result"
    with pytest.raises(RuntimeError), whole_folder(output) as partial:
        (partial / "a").write_text("lost")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    for text in ("first", "second"):
        with whole_folder(output) as partial:
            (partial / text).write_text(text)
    assert [path.name for path in output.iterdir()] == ["second"]
    assert list(tmp_path.iterdir()) == [output]


def test_a_folder_of_another_kind_is_never_replaced(tmp_path):
    with pytest.raises(FileExistsError, match="exists and is no report: choose another output"):
        check_folder(tmp_path, marker="report.json", kind="report", overwrite=True)
    (tmp_path / "report.json").touch()
    check_folder(tmp_path, marker="report.json", kind="report", overwrite=True)
    with pytest.raises(FileExistsError, match="replace it with --force"):
        check_folder(tmp_path, marker="report.json", kind="report", overwrite=False)


def test_a_full_disk_is_one_line_and_the_old_file_stays(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")
    message = f"{path}: the disk is full.* nothing was replaced"
    with (
        pytest.raises(DiskFullError, match=message),
        whole_file(path, overwrite=True) as partial,
    ):
        partial.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_killed_processes_are_removed_and_others_stay(tmp_path):
    kill = "import os, pathlib, signal; from calovox.files.whole import whole_file\n"
    kill += "with whole_file(pathlib.Path('x')) as partial:\n"
    kill += "    partial.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    subprocess.run([sys.executable, "-c", kill], cwd=tmp_path, check=False)
    (leftover,) = tmp_path.iterdir()
    elsewhere = tmp_path / re.sub(r"-[0-9a-f]{8}\.", "-00000000.", leftover.name)
    running = tmp_path / re.sub(r"\.\d+-", f".{os.getppid()}-", leftover.name)
    other = tmp_path / ".x.1.partial"
    for path in (elsewhere, running, other):
        path.touch()
    with whole_file(tmp_path / "y") as partial:
        partial.touch()
    assert set(tmp_path.iterdir()) == {tmp_path / "y", elsewhere, running, other}


def test_a_folder_that_was_put_aside_by_a_killed_process_comes_back(tmp_path):
    with whole_folder(tmp_path / "a") as partial:
        (partial / "old").touch()
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        aside = tmp_path / re.sub(r"\.\d+-", f".{gone.pid}-", partial.name)
    (tmp_path / "a").rename(aside.with_suffix(".replaced"))
    remove_leftovers(tmp_path)
    assert (tmp_path / "a" / "old").exists()
