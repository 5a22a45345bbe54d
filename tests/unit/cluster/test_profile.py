import os
import subprocess
import sys

import pytest
import yaml
import yte

from bkind3d.cli import main
from bkind3d.cluster.profile import TEMPLATE, check_version, fill_template, install_profile
from bkind3d.cluster.site import VERSION, Site
from bkind3d.config import InputError
from tests.workflow.conftest import ROOT


def test_the_shipped_profile_holds_the_defaults():
    assert fill_template(Site()) == TEMPLATE.read_text()
    assert yaml.safe_load(TEMPLATE.read_text())["__variables__"] == {"version": VERSION, **Site().model_dump()}


def test_installed_values_reach_the_jobs(tmp_path):
    site = {"account": "lab", "cpu_partition": "small", "gpu_partition": "big", "gpu_type": "a100", "gpus": 2, "longest_minutes": 300}
    path = install_profile(site, tmp_path / "slurm")
    profile = yte.process_yaml(path.read_text(), require_use_yte=True)
    assert (profile["executor"], profile["slurm-jobname-prefix"]) == ("slurm", f"bkind3d-{VERSION}")
    everywhere, training = profile["default-resources"], profile["set-resources"]["train_model"]
    assert (everywhere["slurm_account"], everywhere["slurm_partition"], everywhere["runtime"]) == ("lab", "small", 300)
    assert (training["slurm_partition"], training["gpu"], training["gpu_model"]) == ("big", 2, "a100")
    assert profile["set-resources"]["predict_untrained"] == {"slurm_partition": "big", "gpu": 1, "gpu_model": "a100"}


def test_without_account_and_type_none_is_asked_for():
    profile = yte.process_yaml(fill_template(Site()), require_use_yte=True)
    assert "slurm_account" not in profile["default-resources"]
    assert "gpu_model" not in profile["set-resources"]["train_model"]


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--gpus", "65"], "gpus"),
        (["--cpu-partition", ""], "cpu_partition"),
        (["--account", "my lab"], "account"),
        (["--folder", "/proc/nowhere"], "/proc/nowhere/slurm: cannot be written"),
    ],
)
def test_wrong_values_end_with_one_line(tmp_path, capsys, options, message):
    assert main(["profile", "install", "slurm", "--folder", str(tmp_path), *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_profile_of_another_version_is_refused():
    check_version(f"bkind3d-{VERSION}")
    for prefix in ("bkind3d", "", f"bkind3d-{VERSION + 1}"):
        with pytest.raises(InputError, match="another version"):
            check_version(prefix)


def test_a_check_without_slurm_says_so(tmp_path, capsys, monkeypatch):
    """With a PATH on which there is no sinfo."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["profile", "install", "slurm", "--check", "--folder", str(tmp_path)]) == 2
    assert "this machine has no SLURM" in capsys.readouterr().err
