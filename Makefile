# make demo: set up and run the demo. make install: set up. make test: set up and test. make docs: the documentation as a site.
# make system: system libraries (needs root).
SHELL := /bin/bash
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
SLURM := slurm-wlm munge slurmdbd mariadb-server-core
OLD_OPENCV := 4.12.0.88
READERS := movement==0.15.0 keypoint-moseq==0.8.1
# The suite of SLURM watches the clock; where others run beside it, they give way.
PYTEST := OMP_NUM_THREADS=1 nice python -m pytest
# What takes long to make is shared by the tests of a file, so these stay with one process.
BOTH_CORES := -n 2 --dist loadfile

.PHONY: demo install docs test test-slow test-opencv test-readers test-slurm paper-smoke lint format reference lock bench gpu-bundle system
.DEFAULT_GOAL := demo

demo: .venv/run.stamp
	snakemake --cores all

install: .venv/run.stamp

# The documentation in build/docs/index.html; what links to nowhere is an error.
docs: .venv/test.stamp
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --config-file .ci/mkdocs.yml

# Files of few and long tests come first, or one core would wait for the last of them.
test: lint
	$(PYTEST) $(BOTH_CORES) --no-loadscope-reorder tests/workflow tests/unit tests/benchmarks -m "not slow and not slurm"

test-slow: .venv/test.stamp
	$(PYTEST) $(BOTH_CORES) -m slow

# Boards, corners and a calibration with the oldest OpenCV that is supported, in a folder of its own that hides the installed one.
test-opencv: .venv/test.stamp .venv-opencv/opencv.stamp
	export PYTHONPATH='$(CURDIR)/.venv-opencv' && python -c 'import cv2; assert cv2.__version__ == "$(OLD_OPENCV:%.88=%)", cv2.__version__' && \
	$(PYTEST) tests/unit/calibration/test_boards.py tests/unit/calibration/test_corners.py \
	tests/unit/calibration/test_calibration.py::test_a_filmed_board_gives_the_cameras_back

# Exports, read back by programs that cannot share an environment with this one; each gets its own.
test-readers: .venv/test.stamp .venv-readers/readers.stamp
	BKIND3D_MOVEMENT_PYTHON=$(CURDIR)/.venv-readers/movement/bin/python BKIND3D_MOSEQ_PYTHON=$(CURDIR)/.venv-readers/keypoint-moseq/bin/python \
	$(PYTEST) tests/unit/export -k "movement or keypoint_moseq"

# On Debian or Ubuntu, as root: installs SLURM, starts it on this machine, and stops it.
test-slurm: .venv/test.stamp
	tests/slurm/cluster install $(SLURM) || [ $$? = 77 ] && OMP_NUM_THREADS=1 python -m pytest -m slurm tests/slurm

# All tables of the paper on rendered stand-ins, reduced: half an hour. Goes on where it was stopped.
paper-smoke: .venv/run.stamp
	.ci/paper-smoke

lint: .venv/test.stamp
	ruff check . && ruff format --check . && codespell && mypy && lint-imports
	snakefmt --check --compact-diff Snakefile workflow && snakemake --lint
	oxlint --config .ci/oxlint.json --deny-warnings bkind3d/report/templates

format: .venv/test.stamp
	ruff check --fix . && ruff format . && snakefmt Snakefile workflow

reference: .venv/test.stamp
	python .ci/write_reference.py

lock: .venv/test.stamp
	python .ci/write_locks.py

bench: .venv/run.stamp
	OMP_NUM_THREADS=1 python -m benchmarks

# A folder with which a machine with a GPU measures itself, from the demo's results: build/gpu.
gpu-bundle: .venv/run.stamp
	python -m benchmarks.gpu_bundle

system:
	$(SUDO) apt-get update -qq && $(SUDO) apt-get install -y --no-install-recommends python3-venv libgl1 libegl1 libegl-mesa0 libgl1-mesa-dri libglib2.0-0 chromium

.venv/run.stamp: requirements.lock pyproject.toml
	.ci/check-system $(PYTHON) demo && $(PYTHON) -m venv .venv
	pip install -q -r requirements.lock && pip install -q --no-deps -e . && touch $@

.venv/test.stamp: requirements.lock requirements-test.lock pyproject.toml
	.ci/check-system $(PYTHON) test && $(PYTHON) -m venv .venv
	pip install -q -r requirements.lock -r requirements-test.lock && pip install -q --no-deps -e . && touch $@

.venv-opencv/opencv.stamp: Makefile | .venv/test.stamp
	pip install -q --upgrade --no-deps --target .venv-opencv opencv-contrib-python==$(OLD_OPENCV) && touch $@

.venv-readers/readers.stamp: Makefile
	for reader in $(READERS); do folder=.venv-readers/$${reader%%==*}; \
	$(PYTHON) -m venv $$folder && $$folder/bin/pip install -q $$reader || exit 1; done && touch $@
