"""Which version of calovox this is, and which commit of git made it.

An installed package has the version that was built: the last tag and the commit, found by
hatch-vcs and written into `_version.py`. In a checkout that file is as old as the installation,
so the commit is read from git's own files instead, which takes less than a millisecond and needs
no program. Changes that are not committed are not seen.
"""

import re
from pathlib import Path
from typing import Final

__all__ = ["commit_of", "find_version"]

_SHOWN: Final = 9
"""Digits of a commit that are shown."""

_HASH: Final = re.compile(r"[0-9a-f]{40,64}")


def find_version() -> str:
    """Give the version with its commit, such as 0.2.0+g1a2b3c4d5.

    Returns:
        The version that was built; in a checkout with the commit that is checked out.
    """
    try:
        from calovox._version import version as built
    except ImportError:  # a checkout that was never installed
        built = "0"
    sources = Path(__file__).resolve().parents[1]
    commit = commit_of(sources.parent) if sources.name == "src" else None
    return built if commit is None else f"{built.partition('+')[0]}+g{commit[:_SHOWN]}"


def commit_of(checkout: Path) -> str | None:
    """Read which commit is checked out.

    Args:
        checkout: A folder, such as the root of a repository or of a worktree.

    Returns:
        The hash of the commit; None if the folder is no checkout, or its files cannot be read.
    """
    try:
        git = checkout / ".git"
        if git.is_file():  # a worktree or submodule: the file says where its folder is
            git = checkout / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        found = _resolve(git, head.removeprefix("ref:").strip()) if "ref:" in head else head
    except (OSError, UnicodeDecodeError):
        return None
    return found if found is not None and _HASH.fullmatch(found) else None


def _resolve(git: Path, name: str) -> str | None:
    """Find the commit of a branch, in a file of its own or in the list of packed ones."""
    folders = [git]
    common = git / "commondir"
    if common.is_file():  # worktrees share the branches of their repository
        folders.append(git / common.read_text(encoding="utf-8").strip())
    for folder in folders:
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8").strip()
        packed = folder / "packed-refs"
        if packed.is_file():
            for line in packed.read_text(encoding="utf-8").splitlines():
                if line.endswith(f" {name}"):
                    return line.split(" ")[0]
    return None
