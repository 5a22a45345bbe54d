import pytest
import yaml
import yte

from bkind3d.cluster.profile import TEMPLATE, VERSION, Site, check_version, fill_template, install_profile
from bkind3d.config import InputError


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


def test_a_profile_of_another_version_is_refused():
    check_version(f"bkind3d-{VERSION}")
    for prefix in ("bkind3d", "", f"bkind3d-{VERSION + 1}"):
        with pytest.raises(InputError, match="another version"):
            check_version(prefix)
