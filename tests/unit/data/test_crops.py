import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.data.crops import Crop, Part, list_overlaps, parse_crop, read_part


def test_a_crop_is_read_as_people_write_it() -> None:
    assert parse_crop("0,168,396,238", "") == parse_crop(" 0 168  396 , 238 ", "") == Crop(0, 168, 396, 238)
    assert parse_crop("4,0,8,6,flip", "") == Crop(4, 0, 8, 6, flip=True)
    assert parse_crop(" ", "") is None
    assert [str(crop) for crop in (Crop(1, 2, 3, 4), Crop(1, 2, 3, 4, True))] == ["1,2,3,4", "1,2,3,4,flip"]


@pytest.mark.parametrize(
    "text", ["1,2,3", "1,2,3,4,5", "1,2,3,-4", "1,2,3,4.5", "a,b,c,d", "1,2,3,4,mirror", "0,0,0,4", "0,0,4,0", "1,2,3,4444444"]
)
def test_what_is_no_crop_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(InputError, match=r"cameras.tsv: row 3: crop is .*write x,y,width,height"):
        parse_crop(text, "cameras.tsv: row 3")


def test_a_part_is_cut_out_of_whole_pictures_and_its_pixels_find_back() -> None:
    picture = np.arange(10 * 20).reshape(10, 20)
    for crop in (Crop(3, 2, 7, 5), Crop(3, 2, 7, 5, flip=True)):
        part = Part(crop, (20, 10))
        cut = part.cut(picture)
        assert cut.shape == (5, 7)
        assert part.cut(cut) is cut
        for x, y in ((0, 0), (6, 4), (2, 1)):
            column, row = crop.place(np.array([[x, y]]))[0]
            assert cut[y, x] == picture[row, column]
        assert read_part({"part": part.describe()}) == part
    assert read_part({}) is None


def test_overlapping_parts_are_found() -> None:
    crops = {"top": Crop(0, 0, 10, 5), "bottom": Crop(0, 5, 10, 5), "middle": Crop(2, 4, 3, 2)}
    assert list_overlaps(crops) == [("top", "middle"), ("bottom", "middle")]
