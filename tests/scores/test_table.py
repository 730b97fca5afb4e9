import json
import math
from dataclasses import replace

import pytest

from calovox.samples.bins import ALL
from calovox.scores.table import Score, Scores, ScoresError

SCORE = Score("fast", "ks", "e_tot", "E < 1.5 GeV", ALL, 0.1, 0.02, 0.05, 0.01, 400, 300, 0.25)
SCORES = Scores((SCORE, replace(SCORE, metric="auc", energy_bin=ALL, p_value=0.5)))


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_scores_survive_a_file(kind, tmp_path):
    path = tmp_path / f"scores.{kind}"
    getattr(SCORES, f"to_{kind}")(path)
    assert getattr(Scores, f"from_{kind}")(path) == SCORES


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_what_is_not_known_stays_unknown(kind, tmp_path):
    path = tmp_path / f"scores.{kind}"
    getattr(Scores((replace(SCORE, floor=math.nan),)), f"to_{kind}")(path)
    (row,) = getattr(Scores, f"from_{kind}")(path)
    assert math.isnan(row.floor)
    assert row.value == SCORE.value


def test_rows_are_selected_by_their_texts():
    assert SCORES.select(metric="auc").rows == SCORES.rows[1:]
    assert len(SCORES.select(metric="auc", energy_bin="E < 1.5 GeV")) == 0
    assert [row.bin for row in SCORES] == ["E < 1.5 GeV", ALL]
    assert [row.integrated for row in SCORES] == [False, True]


def test_files_that_hold_no_scores_are_refused(tmp_path):
    path = tmp_path / "scores.json"
    path.write_text("{")
    with pytest.raises(ScoresError, match="is not a JSON file"):
        Scores.from_json(path)
    path.write_text("{}")
    with pytest.raises(ScoresError, match="expected the format 'calovox scores' of version 1"):
        Scores.from_json(path)
    header = {"format": "calovox scores", "version": 1}
    path.write_text(json.dumps(header | {"scores": [{"x": 1}]}))
    with pytest.raises(ScoresError, match="lacks rows with the fields of a score"):
        Scores.from_json(path)
    with pytest.raises(ScoresError, match="is not a Parquet file"):
        Scores.from_parquet(path)
