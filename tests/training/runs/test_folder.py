"""Records of run folders that say nonsense."""

import json
from pathlib import Path

import pytest

from calovox.training.runs.folder import RECORD, RunFileError, read_record, read_run
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


@pytest.mark.parametrize(("kind", "name"), [("inn", "n_blocks"), ("cfm", "width")])
def test_sizes_that_the_weights_contradict_take_no_memory(
    tmp_path: Path, kind: str, name: str
) -> None:
    write_runs(tmp_path)
    record = tmp_path / kind / RECORD
    content = json.loads(record.read_text(encoding="utf-8"))
    content["sizes"][name] = 2**63
    record.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(RunFileError, match=f"expected `{name}` of at most"):
        read_run(tmp_path / kind)
