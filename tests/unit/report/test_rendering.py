import re

from bkind3d.report.rendering import SCRIPTS, TEMPLATES, join_scripts


def test_every_script_stands_after_those_that_it_imports_from():
    assert sorted(f"{name}.js" for name in SCRIPTS) == sorted(path.name for path in (TEMPLATES / "scripts").iterdir())
    for index, name in enumerate(SCRIPTS):
        imported = re.findall(r'^import .* from "\./(\w+)\.js";$', (TEMPLATES / "scripts" / f"{name}.js").read_text(), flags=re.MULTILINE)
        assert set(imported) <= set(SCRIPTS[:index]), name


def test_joined_scripts_import_nothing():
    script = join_scripts()
    assert not re.search(r"^\s*(import|export)\b", script, flags=re.MULTILINE)
    assert "class Player" in script
    assert "</script" not in script
