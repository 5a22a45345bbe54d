# What is said at the end of a run.
import shutil


def show_result():
    """Print the tables, and where the report is."""
    page = Path("results/report.html")
    if page.exists() and workflow.is_main_process:
        evaluations = {
            "--pose": rules.make_tables.input.pose,
            "--actions": rules.make_tables.input.actions,
        }
        options = [text for option, paths in evaluations.items() for text in (option, *filter(os.path.exists, paths))]
        subprocess.run(["python", "-m", "bkind3d", "make-tables", "--print", *options])
        sys.stderr.write(f"\nReport: {page.resolve()}\n")


def repeat_last_error(logs):
    """Say, after everything else, what each job that failed said last."""
    text = "".join(Path(path).read_text() for path in logs)
    # On a cluster, the job's own log is named after the rule's, another one for every attempt.
    failed = dict(names.partition(", ")[::2] for names in re.findall(r"^ +log: (.+?) \(check log", text, flags=re.MULTILINE))
    for name, job in failed.items():
        said = (
            read_lines(name)
            or [line for line in read_lines(job) if line.startswith("slurmstepd")]
            or [f"it said nothing; free on its disk: {shutil.disk_usage(Path(name).parent).free / 1e6:.1f} MB"]
        )
        atexit.register(sys.stderr.write, f"{said[-1]} (log: {name})\n")


def read_lines(name):
    """The lines of a log that are not empty, if there is one."""
    path = Path(name)
    return [line for line in path.read_text().split("\n") if line.strip()] if path.is_file() else []
