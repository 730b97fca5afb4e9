"""Versions name the commit, with and without git, in checkouts of every kind."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from calovox.version import commit_of, find_version

ROOT = Path(__file__).resolve().parents[1]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def git(*arguments, folder=ROOT):
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a checkout")
    names = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    command = ["git", *names, *arguments]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_version_names_the_commit_of_a_checkout():
    assert find_version().endswith(f"+g{git('rev-parse', 'HEAD')[:9]}")


def test_program_says_its_commit():
    command = [Path(sys.executable).parent / "calovox", "--version"]
    result = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert result.stdout.strip() == f"calovox {find_version()}"


def test_finding_the_version_takes_milliseconds():
    times = []
    for _ in range(5):
        start = time.perf_counter()
        find_version()
        times.append(time.perf_counter() - start)
    assert min(times) < 0.005


def test_commits_are_read_as_git_reads_them(tmp_path):
    repository, worktree = tmp_path / "repository", tmp_path / "worktree"
    git("init", "-q", str(repository), folder=tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "one", folder=repository)
    head = git("rev-parse", "HEAD", folder=repository)
    assert commit_of(repository) == head
    git("worktree", "add", "-q", "-b", "room/other", str(worktree), folder=repository)
    git("commit", "-q", "--allow-empty", "-m", "two", folder=worktree)
    other = git("rev-parse", "HEAD", folder=worktree)
    assert commit_of(worktree) == other != head
    git("pack-refs", "--all", folder=repository)
    assert commit_of(repository) == head
    assert commit_of(worktree) == other
    git("checkout", "-q", "--detach", folder=worktree)
    assert commit_of(worktree) == other


def test_without_a_checkout_there_is_no_commit(tmp_path):
    assert commit_of(tmp_path) is None


@pytest.mark.parametrize("head", ["", "ref: refs/heads/none", "ref: ../../etc/hostname", "\0"])
def test_broken_checkouts_have_no_commit(head, tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(head)
    assert commit_of(tmp_path) is None


def test_detached_heads_are_commits(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(f"{COMMIT}\n")
    assert commit_of(tmp_path) == COMMIT
