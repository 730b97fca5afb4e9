import errno
import os
import subprocess
import sys

import h5py
import numpy as np

from calovox.files.hdf5 import append_rows, create_column
from calovox.files.writer import create_hdf5

NUMBERS = np.arange(1_000_000, dtype="f4")


def fill(file):
    append_rows(create_column(file, "numbers", "f4"), NUMBERS)
    file.attrs["a"] = 1


def test_the_bytes_are_those_of_the_library(tmp_path):
    with create_hdf5(tmp_path / "ours.h5") as file:
        fill(file)
    with h5py.File(tmp_path / "theirs.h5", "w") as file:
        fill(file)
    assert (tmp_path / "ours.h5").read_bytes() == (tmp_path / "theirs.h5").read_bytes()


def test_a_full_disk_is_the_error_of_the_disk_wherever_it_ends(tmp_path):
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "import numpy as np\n"
        "from calovox.files.hdf5 import append_rows, create_column\n"
        "from calovox.files.writer import create_hdf5\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "for size in (0, 1, 100, 5_000, 40_000, 79_000):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))\n"
        "    try:\n"
        "        with create_hdf5(Path('x.h5')) as file:\n"
        "            column = create_column(file, 'numbers', 'f4')\n"
        "            append_rows(column, np.arange(1_000_000, dtype='f4'))\n"
        "    except OSError as error: print(error.errno)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [str(errno.EFBIG)] * 6


def test_a_full_disk_ends_a_command_in_one_line(tmp_path):
    """The library must not speak up at the end of the process either."""
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from calovox.hits import HitsWriter\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    with HitsWriter(Path('x.h5'), provenance={}, overwrite=True): pass\n"
        "except OSError as error: sys.exit(str(error))"
    )
    (tmp_path / "x.h5").write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("x.h5: the disk is full")
    assert done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == ["x.h5"]
    assert (tmp_path / "x.h5").read_text() == "old"
