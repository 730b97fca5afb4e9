import pytest

from calovox.files import whole_file


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
