"""The run folder: what a training leaves behind, whole at any moment.

| file | content |
| --- | --- |
| `config.toml` | all settings of the command |
| `run.json` | kind and sizes of the model, grid, ranges, data, steps, metrics |
| `weights.safetensors` | weights, averaged if averaging was on, and the standardisations |
| `checkpoint.pt` | everything that is needed to go on; `checkpoint.previous.pt`: the one before |
| `metrics.csv`, `events.*` | the course of the training, also for TensorBoard |

A run that replaces another one (`replace_run`) puts its files into `.replaced` in the folder, and
removes them when the new run has its first checkpoint. Without one, they come back.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calovox.files.whole import sync_parent
from calovox.training.runs.model import WEIGHTS
from calovox.training.runs.record import RECORD, read_record

__all__ = ["CHECKPOINT", "CONFIG", "forget_replaced", "prepare_folder", "replace_run"]

CHECKPOINT = "checkpoint.pt"
CONFIG = "config.toml"
_REPLACED = ".replaced"
_OURS = ("checkpoint*.pt", CONFIG, RECORD, WEIGHTS, "metrics.csv", "events.*")


def prepare_folder(folder: Path, *, overwrite: bool) -> None:
    """Make a run folder, or find out whether one can be continued; a run in it stays.

    Args:
        folder: The run folder.
        overwrite: Whether a finished run may be replaced.

    Raises:
        FileExistsError: If it holds other things, or a finished run that may not be replaced.
    """
    if folder.is_dir():
        _restore(folder)
    if folder.exists() and (not folder.is_dir() or _holds_no_run(folder)):
        raise FileExistsError(f"{folder} exists and is no run folder: choose another output")
    folder.mkdir(exist_ok=True)
    _remove_torn(folder)
    if not overwrite and (folder / RECORD).exists():
        record = read_record(folder)
        if record.step >= record.n_steps:
            raise FileExistsError(
                f"{folder} holds a finished run of {record.n_steps} steps: choose another output "
                "or replace it with --force"
            )


@contextmanager
def replace_run(folder: Path) -> Iterator[None]:
    """Put the run of a folder aside, and back if no new one got as far as its first checkpoint.

    Args:
        folder: The run folder; other files in it stay where they are.
    """
    (folder / _REPLACED).mkdir(exist_ok=True)
    _move_run(folder, folder / _REPLACED)
    try:
        yield
    finally:
        _restore(folder)


def forget_replaced(folder: Path) -> None:
    """Remove the run that was put aside, now that the new one can be continued.

    Args:
        folder: The run folder.
    """
    shutil.rmtree(folder / _REPLACED, ignore_errors=True)


def _restore(folder: Path) -> None:
    """Bring a run back that was put aside for one that got nowhere."""
    aside = folder / _REPLACED
    if not aside.is_dir():
        return
    if (folder / CHECKPOINT).exists():
        forget_replaced(folder)
        return
    if (aside / RECORD).exists():  # all of it was put aside: what is here is of the new run
        for path in _run_files(folder):
            path.unlink()
    _move_run(aside, folder)
    aside.rmdir()


def _move_run(source: Path, target: Path) -> None:
    """Move a run; its record goes last, so that where it is, all else is."""
    for path in sorted(_run_files(source), key=lambda path: path.name == RECORD):
        path.rename(target / path.name)
    sync_parent(target / RECORD)
    sync_parent(source / RECORD)


def _run_files(folder: Path) -> list[Path]:
    return [path for pattern in _OURS for path in folder.glob(pattern)]


def _remove_torn(folder: Path) -> None:
    """Remove files without content, which a power cut leaves; the run writes them anew."""
    for name in (CONFIG, RECORD, WEIGHTS, "metrics.csv"):
        path = folder / name
        if path.is_file() and not path.read_bytes().strip(b"\0"):
            path.unlink()


def _holds_no_run(folder: Path) -> bool:
    others = [path for path in folder.iterdir() if not path.name.endswith(".partial")]
    return bool(others) and not (folder / RECORD).exists()
