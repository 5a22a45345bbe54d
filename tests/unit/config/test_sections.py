import pytest

from bkind3d.config import InputError, SurveyConfig, TrainingConfig, parse_section


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        (TrainingConfig, {"seed": 10**17}, r"c\.yaml: seed is 1e\+17, and no setting is beyond 4.29497e\+09"),
        (SurveyConfig, {"threshold": 1e300}, r"threshold is 1e\+300, and"),
        (SurveyConfig, {"threshold": "1e300"}, r"threshold is 1e\+300, and"),
    ],
)
def test_no_setting_is_beyond_all_measure(section, values, message):
    with pytest.raises(InputError, match=message):
        parse_section(section, values, "c.yaml")


def test_seeds_have_32_bits():
    assert parse_section(TrainingConfig, {"seed": 2**32 - 1}, "c.yaml").seed == 2**32 - 1
