"""Records of run folders that say nonsense."""

import json
from pathlib import Path

import pytest

from calovox.training.runs.record import RECORD, RunFileError, read_record
from tests.export.toy_runs import write_runs


@pytest.mark.parametrize("name", ["step", "n_steps"])
def test_steps_that_are_no_numbers_are_refused_in_one_line(tmp_path: Path, name: str) -> None:
    write_runs(tmp_path)
    run = next(path.parent for path in sorted(tmp_path.rglob(RECORD)))
    content = json.loads((run / RECORD).read_text(encoding="utf-8"))
    (run / RECORD).write_text(json.dumps(content | {name: "many"}), encoding="utf-8")
    with pytest.raises(RunFileError, match=f"expected a whole number as `{name}`") as error:
        read_record(run)
    assert "\n" not in str(error.value)
