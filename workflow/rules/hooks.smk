# What is said at the end of a run.


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
    for name in dict.fromkeys(re.findall(r"^ +log: (.+?) \(check log", text, flags=re.MULTILINE)):
        path = Path(name)
        lines = path.read_text().split("\n") if path.exists() else []
        said = [line for line in lines if line.strip()][-1:] or ["it said nothing"]
        atexit.register(sys.stderr.write, f"{said[0]} (log: {name})\n")
