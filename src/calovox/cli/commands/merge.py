"""`calovox merge`: files of several jobs become that of one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.errors import warn
from calovox.cli.settings import FileIn, Output

__all__ = ["MERGE", "MergeSettings", "merge"]

_EXAMPLE = "calovox merge job_1.h5 job_2.h5 job_3.h5 -o simulated.h5"


@dataclass(frozen=True, kw_only=True)
class MergeSettings:
    """Settings of `calovox merge`."""

    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Hits files, datasets or shower shapes of jobs with different --first-event.",
        ),
        FileIn(),
    ]
    output: Output


def merge(settings: MergeSettings, job: Job) -> str:
    """Merge hits, datasets or shower shapes of several jobs.

    The result is what one job with all their events writes. Doubled events, and files that are
    not parts of one run, are refused.
    """
    from calovox.cli.progress import track
    from calovox.jobs import merge_files

    merged = merge_files(settings.files, settings.output, overwrite=job.overwrite, track=track)
    warn(settings.output, merged.warnings)
    return (
        f"{settings.output}: {merged.n_events} events, {merged.first} to {merged.last}, of "
        f"{len(settings.files)} files"
    )


MERGE = make_command("merge", MergeSettings, merge, example=_EXAMPLE)
