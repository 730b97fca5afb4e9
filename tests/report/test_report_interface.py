"""Keys of report.json and scores.json: others script against them."""

import json

from tests.keys import json_keys


def test_interface_of_a_report_is_kept(check_interface, written):
    lines = []
    for name in ("report.json", "scores.json"):
        content = json.loads((written[1] / name).read_text(encoding="utf-8"))
        lines += [f"{name} {key}" for key in json_keys(content)]
    check_interface("report.txt", lines)


def test_interface_of_the_scores_is_kept(check_interface, written):
    content = json.loads((written[1] / "scores.json").read_text(encoding="utf-8"))
    found = {f"{row['metric']} of {row['feature']}" for row in content["scores"]}
    # correlations of pairs have the names of two layers
    check_interface("scores.txt", sorted(name for name in found if ":" not in name))
