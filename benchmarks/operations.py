"""What every stage of a computation costs: operations counted by torch's own formulas, bytes, and seconds.

Stages are functions and modules that are watched; where one runs inside another, the inner one counts. The backward pass is
told apart by its nodes, each of which remembers the stage that made it.
"""

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, shape_wrapper

from bkind3d.training.budget import FORMULAS

#: Operations of a call from what goes in and comes out: torch's formulas, and our own in place of some.
_COUNTS = flop_registry | {operation: shape_wrapper(formula) for operation, formula in FORMULAS.items()}

#: What runs in no stage.
REST = "rest"


def read_clock() -> float:
    """Seconds, once the device has done what it was told; of one thread on a processor its own, whatever runs beside it."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


@dataclass
class Cost:
    """What something took: operations (multiplications and additions of matrix products and convolutions), bytes read and written, seconds.

    `least` are the seconds that the machine would need at its own rates.
    """

    operations: float = 0.0
    n_bytes: float = 0.0
    seconds: float = 0.0
    least: float = 0.0

    def add(self, other: "Cost") -> None:
        """Add another one to this."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Stages:
    """Which stage runs, and for how long each of them ran by itself (seconds of the forward pass and of all that is no tensor)."""

    def __init__(self) -> None:
        self._running: list[str] = []
        self._since = 0.0
        self.seconds: dict[str, float] = defaultdict(float)

    @property
    def current(self) -> str | None:
        """The innermost stage that runs."""
        return self._running[-1] if self._running else None

    @contextmanager
    def enter(self, stage: str) -> Iterator[None]:
        """Count what runs inside as `stage`."""
        self._settle()
        self._running.append(stage)
        try:
            yield
        finally:
            self._settle()
            self._running.pop()

    def _settle(self) -> None:
        now = read_clock()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def watch(self, owner: Any, name: str, stage: str) -> None:
        """Make a stage of the function `name` of an object, or of a module (``forward``)."""
        function: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            with self.enter(stage):
                found = function(*args, **kwargs)
            label_graph(found, stage)
            return found

        setattr(owner, name, watched)


def label_graph(found: Any, stage: str) -> None:
    """Let all nodes of the backward pass that lead to what was `found`, and have no stage yet, remember theirs."""
    values = vars(found).values() if hasattr(found, "__dataclass_fields__") else [found]
    nodes = [leaf.grad_fn for leaf in tree_leaves(list(values)) if isinstance(leaf, torch.Tensor)]
    while nodes:
        node = nodes.pop()
        if node is not None and "stage" not in node.metadata:
            node.metadata["stage"] = stage
            nodes += [further for further, _ in node.next_functions]


class Recorder(TorchDispatchMode):
    """Costs of all operations that run while it is on.

    Parameters
    ----------
    stages : which one runs.
    rate : gives operations per second of a type of numbers.
    bytes_per_second : of a copy, read and written bytes together.

    Attributes
    ----------
    costs : by stage and direction, forward or backward. Seconds are those within operations.
    """

    def __init__(self, stages: Stages, rate: Callable[[torch.dtype], float], bytes_per_second: float) -> None:
        super().__init__()
        self.stages, self.rate, self.bytes_per_second = stages, rate, bytes_per_second
        self.costs: dict[tuple[str, str], Cost] = defaultdict(Cost)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and note what it cost."""
        kwargs = kwargs or {}
        if func._overloadpacket not in _COUNTS:
            with self:
                found = func.decompose(*args, **kwargs)
            if found is not NotImplemented:
                return found
        begin = read_clock()
        found = func(*args, **kwargs)
        seconds = read_clock() - begin
        formula, n_bytes = _COUNTS.get(func._overloadpacket), count_bytes(func, args, kwargs, found)
        operations = formula(*args, **kwargs, out_val=found) if formula else 0
        kind = next(
            (leaf.dtype for leaf in tree_leaves(args) if isinstance(leaf, torch.Tensor) and leaf.is_floating_point()), torch.float32
        )
        least = max(operations / self.rate(kind), n_bytes / self.bytes_per_second)
        node = torch._C._current_autograd_node()
        stage = self.stages.current or (node.metadata.get("stage") if node is not None else None) or REST
        self.costs[stage, "forward" if node is None else "backward"].add(Cost(operations, n_bytes, seconds, least))
        return found


def count_bytes(func: Any, args: Any, kwargs: Any, found: Any) -> int:
    """Bytes of all tensors that go in and come out, once each; none where only the shape changes."""
    if func.is_view:
        return 0
    tensors = [leaf for leaf in tree_leaves((args, kwargs, found)) if isinstance(leaf, torch.Tensor)]
    return sum(min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()) for tensor in tensors)
