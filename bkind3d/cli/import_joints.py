"""The verb ``import-joints``."""

import argparse

from bkind3d.geometry.units import METRES

HELP = "Read a session's joints (Parquet or TRC) and check them."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("file", help="joints as .parquet (frame, joint, x, y, z) or .trc")
    parser.add_argument("--units", required=True, choices=METRES, help="units of the rig")
    parser.add_argument("--axes", default="XYZ", help="which axes of a .trc are the world's x, y, z")
    parser.add_argument(
        "--up", default="z", choices=["x", "y", "z", "-x", "-y", "-z"], help="axis of the calibration's world that points up; it becomes z"
    )
    parser.add_argument("--rate", type=float, help="frames per second, kept with the table")
    parser.add_argument("--output", required=True, help="Parquet file to write (table 'joints')")


def run(arguments: argparse.Namespace) -> None:
    """Import the joints."""
    from bkind3d.data.joint_files import read_joints
    from bkind3d.data.parquet import write_table

    table = read_joints(arguments.file, arguments.units, arguments.axes, arguments.up)
    write_table(table, "joints", arguments.output, {"units": arguments.units, "rate": arguments.rate})
