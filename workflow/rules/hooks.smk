# What is said at the end of a run.
import shutil

# A line of a log that says how far a job is: no job ends with one by itself.
PROGRESS = re.compile(r"\d\d:\d\d:\d\d \S+: ")


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
        said = read_lines(name)
        if not said or PROGRESS.match(said[-1]):
            # Whoever is killed says nothing of it. What a cluster says of its jobs comes first, then what can be known here.
            last, free = said[-1] if said else "it said nothing", shutil.disk_usage(Path(name).parent).free / 1e6
            killed = (
                f"{last}; and no more: it was killed (for its memory, its time or by hand), or its disk is full ({free:.1f} MB are free)"
            )
            said = [line for line in read_lines(job) if line.startswith("slurmstepd")] or [killed]
        atexit.register(sys.stderr.write, f"{said[-1]} (log: {name})\n")


def read_lines(name):
    """The lines of a log that are not empty, if there is one."""
    path = Path(name)
    return [line for line in path.read_text().split("\n") if line.strip()] if path.is_file() else []
