import pytest

from calovox.files.whole import check_folder, whole_file, whole_folder


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
