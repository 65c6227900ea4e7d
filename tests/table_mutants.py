"""What mutmut leaves alone: tables, patterns and defaults outside functions. Each is made wrong in one place, and some test must fail.

``python -m tests.table_mutants [MODULE…]`` names every survivor; what was found stands in ``docs/mutants.md``.
"""

import ast
import importlib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SLOW = ("no_bytes_raise", "whatever_others_write", "no_text_without")
"""Properties that hypothesis tries, of which the examples beside them are cases."""

TESTED_BY = {
    "rules.matching": ("tests/rules/test_matching.py",),
    "rules.automatic": ("tests/rules/test_automatic.py", "tests/rules/test_automatic_tables.py"),
    "rules.authentication": ("tests/rules/test_authentication.py", "-k", f"not {' and not '.join(SLOW)}"),
    "rules.decide": ("tests/rules/test_decide.py", "tests/rules/test_decide_answers.py"),
    "rules.deadlines": ("tests/rules/test_deadlines.py", "tests/rules/test_deadlines_together.py"),
}
ORDERED = "RULES"
"""The table that is read downwards: its neighbours are exchanged, too."""

SECONDS = 120
"""A test that takes longer has noticed something."""

_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]|\((?:\?(?:P<\w+>|[:=!]))?|[|)]", re.DOTALL)

Mutant = tuple[int, str, Callable[[], object]]
"""The line, what is wrong, and what makes it so."""


def main() -> None:
    """Try every mutant of the modules that are named, or of all."""
    for module in sys.argv[1:] or TESTED_BY:
        tree = ast.parse(Path(module.replace(".", "/") + ".py").read_text("utf-8"))
        for each in tree.body:  # once, and not in every child
            if isinstance(each, ast.ImportFrom) and each.module:
                importlib.import_module(each.module)
        if not survives(module, tree, lambda: None):
            sys.exit(f"{module}: its tests fail as it is")
        tried = [(line, what, survives(module, tree, change)) for line, what, change in mutants(tree)]
        for line, what, is_alive in tried:
            if is_alive:
                print(f"{module}:{line}: {what}")
        print(f"{module}: {len(tried)} mutants, {sum(not is_alive for *_, is_alive in tried)} killed", flush=True)


def mutants(tree: ast.Module) -> Iterator[Mutant]:
    """Yield what may be made wrong: in assignments of the module, and in the defaults of its classes."""
    classes = [each for each in tree.body if isinstance(each, ast.ClassDef)]
    for each in (*tree.body, *(field for owner in classes for field in owner.body if isinstance(field, ast.AnnAssign))):
        if not isinstance(each, ast.Assign | ast.AnnAssign) or each.value is None or isinstance(each.value, ast.Subscript):
            continue  # what is indexed is the name of a type
        if isinstance(each, ast.AnnAssign) and ast.unparse(each.target) == ORDERED and isinstance(each.value, ast.Tuple):
            for at in range(len(each.value.elts) - 1):
                yield each.value.elts[at].lineno, "exchanged with the next", partial(_exchange, each.value.elts, at)
        for node in ast.walk(each.value):
            yield from ((each.lineno, what, change) for what, change in _wrong(node))


def _wrong(node: ast.AST) -> Iterator[tuple[str, Callable[[], object]]]:
    match node:
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            yield from ((f"without {ast.unparse(item)[:60]}", partial(items.pop, at)) for at, item in enumerate(items))
        case ast.Dict(keys=keys, values=values):
            names = [ast.unparse(key)[:60] if key else "a part" for key in keys]
            yield from ((f"without {name}", partial(_drop, at, keys, values)) for at, name in enumerate(names))
        case ast.Call(func=ast.Attribute(attr="compile"), args=[ast.Constant(value=str(pattern)) as constant, *flags]):
            for dropped, left in _without_an_alternative(pattern):
                yield f"pattern without {dropped}", partial(setattr, constant, "value", left)
            if flags:
                yield "pattern without flags", node.args.pop
        case ast.Constant(value=bool(truth)):
            yield f"{not truth}", partial(setattr, node, "value", not truth)
        case ast.Constant(value=int(number)):
            yield f"{number + 1}", partial(setattr, node, "value", number + 1)


def _exchange(items: list[Any], at: int) -> None:
    items[at : at + 2] = reversed(items[at : at + 2])


def _drop(at: int, *lists: list[Any]) -> None:
    for each in lists:
        del each[at]


def _without_an_alternative(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield each alternative of a pattern, in whatever group, and the pattern without it."""
    groups: list[list[int]] = [[0]]
    for token in _TOKEN.finditer(f"{pattern})"):
        if token[0] in ("|", ")"):
            groups[-1].append(token.end())
        elif token[0].startswith("("):
            groups.append([token.end()])
        if token[0] == ")" and len(bounds := groups.pop()) > 2:
            for begin, end in pairwise(bounds):
                is_last = end == bounds[-1]
                yield pattern[begin : end - 1], pattern[: begin - is_last] + pattern[end - is_last :]


def survives(module: str, tree: ast.Module, change: Callable[[], object]) -> bool:
    """Tell whether the tests pass with the changed module: in a child, so that nothing of it stays."""
    if (child := os.fork()) == 0:
        signal.alarm(SECONDS)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        try:
            change()
            _install(module, tree)
            os._exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *TESTED_BY[module]]))
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _install(module: str, tree: ast.Module) -> None:
    package, _, name = module.rpartition(".")
    sys.modules[module] = wrong = ModuleType(module)
    exec(compile(tree, module, "exec"), wrong.__dict__)
    setattr(importlib.import_module(package), name, wrong)


if __name__ == "__main__":
    main()
