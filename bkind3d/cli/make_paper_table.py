"""``make-paper-table``: one table of the paper, and its bar chart."""

import argparse
from pathlib import Path

HELP = (
    "Make a table of the paper (CSV, Markdown, LaTeX) and its bar chart: measured rows with their files, published ones with their sources."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--config", type=Path, required=True, metavar="JSON", help="the table's section of `paper`")
    parser.add_argument("--name", required=True, help="name of the table: of its files, and of its label in LaTeX")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="FOLDER", help="the study's results")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FOLDER", help="folder of NAME.csv, .md, .tex, .bars.svg and .bars.png"
    )


def run(arguments: argparse.Namespace) -> None:
    """Compare the experiments with the first one, and write."""
    from bkind3d.config import PaperTableConfig, read_section
    from bkind3d.evaluation.comparison import compare_experiments
    from bkind3d.report.paper_figures import write_bars
    from bkind3d.report.paper_tables import collect_table, write_table_files
    from bkind3d.study.layout import Layout

    settings = read_section(PaperTableConfig, arguments.config)
    results = Layout(arguments.results)
    differences = compare_experiments(results, list(settings.rows)) if settings.measure == "pose" else {}
    table = collect_table(settings, results, differences)
    write_table_files(settings, table, arguments.name, arguments.output)
    write_bars(settings, table, arguments.name, arguments.output)
