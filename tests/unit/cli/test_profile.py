import os
import subprocess
import sys

import pytest

from bkind3d.cli import main
from tests.workflow.conftest import ROOT


def test_the_verb_writes_where_snakemake_looks(tmp_path):
    command = [sys.executable, "-m", "bkind3d", "profile", "install", "slurm", "--account", "lab"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}, check=True
    )
    path = tmp_path / "snakemake" / "slurm" / "config.yaml"
    assert str(path) in done.stderr
    assert 'account: "lab"' in path.read_text()


def test_an_existing_profile_is_never_overwritten_without_force(tmp_path, capsys):
    folder = tmp_path / "slurm"
    folder.mkdir()
    (folder / "profile.v8+.yaml").write_text("executor: slurm\n")
    assert main(["profile", "install", "slurm", "--folder", str(tmp_path)]) == 2
    assert "profile.v8+.yaml: is there already" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["profile.v8+.yaml"]
    assert main(["profile", "install", "slurm", "--folder", str(tmp_path), "--force"]) == 0
    assert {path.name for path in folder.iterdir()} == {"profile.v8+.yaml.old", "config.yaml"}


def test_no_profile_is_lost_however_often_it_is_replaced(tmp_path):
    path = tmp_path / "slurm" / "config.yaml"
    path.parent.mkdir()
    path.write_text("executor: mine\n")
    for account in ("one", "two", "three"):
        assert main(["profile", "install", "slurm", "--folder", str(tmp_path), "--force", "--account", account]) == 0
    assert path.with_name("config.yaml.old").read_text() == "executor: mine\n"
    for name, account in (("config.yaml.old1", "one"), ("config.yaml.old2", "two"), ("config.yaml", "three")):
        assert f'account: "{account}"' in path.with_name(name).read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--gpus", "65"], "gpus"),
        (["--cpu-partition", ""], "cpu_partition"),
        (["--account", "my lab"], "account"),
        (["--name", "../../x"], "--name: '../../x' is no name of a profile"),
        (["--folder", "/proc/nowhere"], "/proc/nowhere/slurm: cannot be written"),
    ],
)
def test_wrong_values_end_with_one_line(tmp_path, capsys, options, message):
    assert main(["profile", "install", "slurm", "--folder", str(tmp_path), *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_check_without_slurm_says_so(tmp_path, capsys, monkeypatch):
    """With a PATH on which there is no sinfo."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["profile", "install", "slurm", "--check", "--folder", str(tmp_path)]) == 2
    assert "this machine has no SLURM" in capsys.readouterr().err
