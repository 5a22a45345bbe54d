import pytest

from bkind3d.cluster.jobs import check_log_folder
from bkind3d.config import InputError


def test_a_log_folder_that_cannot_be_written_is_refused(tmp_path):
    check_log_folder(tmp_path / "logs" / "slurm")
    assert not list((tmp_path / "logs" / "slurm").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write their logs there"):
        check_log_folder(tmp_path / "file" / "slurm")
