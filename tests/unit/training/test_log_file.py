import logging

from bkind3d.training.log_file import kept_log


def test_a_log_keeps_every_run_and_ends_with_it(tmp_path):
    log = logging.getLogger("bkind3d.training.test")
    for run in ("first", "second"):
        with kept_log(tmp_path / "training.log"):
            log.warning("the %s run", run)
        log.warning("afterwards")
    assert [line.split(": ")[1] for line in (tmp_path / "training.log").read_text().splitlines()] == ["the first run", "the second run"]
