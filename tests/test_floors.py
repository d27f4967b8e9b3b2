"""The floors of the package: a module imports only from floors below its own, or from its own package."""

import ast
import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import nbcode

# What stands at the top level of the package, and on which floor.
FLOORS = {
    "device": 0,
    "cost": 0,
    "autograd": 0,
    "checkpoint_files": 0,
    "pretrained": 0,
    "models": 1,
    "data": 1,
    "training": 2,
    "decoding": 3,
    "triage": 3,
    "plots": 4,
    "experiments": 4,
    "probes": 4,
    "quote": 4,
    "exercises": 5,
    "widgets": 5,
    "bench": 5,
}
HEADLESS = {floor for floor in FLOORS.values() if floor <= 3}
DISPLAYS = {"matplotlib", "anywidget", "ipywidgets"}


class Tree:
    """The modules of a package on the disk, and what each imports, anywhere in its text."""

    def __init__(self, root, floors):
        self.name, self.floors = root.name, floors
        self.packages, self.imports = set(), {}
        texts = {}
        for path in sorted(root.rglob("*.py")):
            parts = path.relative_to(root.parent).with_suffix("").parts
            if parts[-1] == "__init__":
                self.packages.add(".".join(parts := parts[:-1]))
            texts[".".join(parts)] = path.read_text(encoding="utf-8")
        self.modules = set(texts)
        for module, text in texts.items():
            self.imports[module] = {self._module(name) for name in self._names(module, text)}

    def _names(self, module, text):
        """The dotted names that a text imports; of `from a import b` it is a.b, which may be a module."""
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = module.split(".")[: len(module.split(".")) + (module in self.packages) - node.level]
                base = ".".join([*above, *filter(None, [node.module])]) if node.level else node.module
                yield from (f"{base}.{alias.name}" for alias in node.names)

    def _module(self, name):
        """The module that a dotted name is, or is in; of another package, only its first part."""
        parts = name.split(".")
        if parts[0] != self.name:
            return parts[0]
        return next(known for end in range(len(parts), 0, -1) if (known := ".".join(parts[:end])) in self.modules)

    def room(self, module):
        """The top-level part that a module belongs to; empty for the package itself."""
        return module.split(".")[1] if "." in module else ""

    def floor(self, module):
        return self.floors[self.room(module)] if self.room(module) else -1  # the package itself lies below all

    def inner(self, module):
        return {name for name in self.imports[module] if name in self.modules}

    def homeless(self):
        """What stands at the top level and has no floor."""
        return {self.room(module) for module in self.modules} - {""} - set(self.floors)

    def may(self, module, imported):
        here, there = self.room(module), self.room(imported)
        plain = not {f"{self.name}.{here}", f"{self.name}.{there}"} & self.packages
        beside = plain and self.floor(module) == self.floor(imported)  # both are modules of the package itself
        return here == there or beside or self.floor(imported) < self.floor(module)

    def steps_upward(self):
        return {
            f"{module} imports {imported}"
            for module in self.modules
            for imported in self.inner(module)
            if not self.may(module, imported)
        }

    def circle(self):
        """The modules of an import circle, or nothing."""
        try:
            TopologicalSorter({module: self.inner(module) - {module} for module in self.modules}).prepare()
        except CycleError as error:
            return error.args[1]
        return []

    def outside(self, module):
        return self.imports[module] - self.modules

    def reached(self, room):
        """The modules that run when a part is imported: its own, their imports, and the packages around them."""
        found, waiting = set(), {module for module in self.modules if self.room(module) == room}
        while waiting:
            module = waiting.pop()
            found.add(module)
            parts = module.split(".")
            around = {".".join(parts[:end]) for end in range(1, len(parts))}
            waiting |= (self.inner(module) | around) - found
        return found


@pytest.fixture(scope="module")
def package():
    return Tree(Path(nbcode.__file__).parent, FLOORS)


def test_everything_at_the_top_level_has_a_floor(package):
    assert not package.homeless(), "give it a floor here and in the package's docstring"
    assert {package.room(module) for module in package.modules} - {""} == set(FLOORS)


def test_the_docstring_of_the_package_tells_the_same_floors():
    told = {}
    for number, line in re.findall(r"^(\d)\. (.*)$", nbcode.__doc__, re.MULTILINE):
        told |= dict.fromkeys(re.findall(r"``(\w+)``", line), int(number))
    assert told == FLOORS


def test_no_module_imports_from_its_own_floor_or_above(package):
    assert not package.steps_upward()


def test_no_modules_import_each_other_in_a_circle(package):
    assert not package.circle()


def test_what_computes_knows_no_display(package):
    for module in package.modules:
        if package.floor(module) in HEADLESS or not package.room(module):
            assert not package.outside(module) & DISPLAYS, module


def test_the_figures_never_reach_torch(package):
    for module in package.reached("widgets"):
        assert "torch" not in package.outside(module), module


def test_the_package_itself_imports_nothing(package):
    assert not package.imports[package.name] - set(sys.stdlib_module_names)


MADE_UP = {
    "__init__.py": "",
    "low.py": "import torch\n",
    "beside.py": "from house.low import x\n",
    "middle/__init__.py": "from house.middle.a import x\n",
    "middle/a.py": "import house.low\n",
    "middle/b.py": "from house.middle import a\nfrom . import a\nfrom .a import x\n",
    "other/__init__.py": "",
    "other/c.py": "import os\n",
    "high/__init__.py": "",
    "high/d.py": "import house.middle.b\nfrom house.other import c\n",
}
HOUSE = {"low": 0, "beside": 0, "middle": 1, "other": 1, "high": 2}


@pytest.fixture
def house(tmp_path):
    """Build a made-up package, with some files replaced or added."""

    def build(**changed):
        root = tmp_path / "house"
        files = MADE_UP | {name.replace("__", "/") + ".py": text for name, text in changed.items()}
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return Tree(root, HOUSE)

    return build


def test_a_sound_house_passes(house):
    tree = house()
    assert not tree.homeless() and not tree.steps_upward() and not tree.circle()
    assert tree.inner("house.middle.b") == {"house.middle.a"}


@pytest.mark.parametrize(
    ("where", "text", "step"),
    [
        ("low", "import house.middle.a", "house.low imports house.middle.a"),
        ("low", "def f():\n    from house.high.d import x", "house.low imports house.high.d"),
        ("low", "from house import middle", "house.low imports house.middle"),
        ("middle__a", "from ..high import d", "house.middle.a imports house.high.d"),
        ("middle__a", "from ..high.d import x", "house.middle.a imports house.high.d"),
        ("other__c", "from house.middle.a import x", "house.other.c imports house.middle.a"),
    ],
    ids=["plain", "in a function", "a package", "relative", "relative and deeper", "on the same floor"],
)
def test_a_step_upward_is_found(house, where, text, step):
    assert house(**{where: text}).steps_upward() == {step}


def test_a_circle_is_found(house):
    tree = house(middle__a="from house.middle.b import x")
    assert set(tree.circle()) == {"house.middle.a", "house.middle.b"}
    assert not tree.steps_upward()
    assert set(house(middle__a="import house.low", low="import house.beside").circle()) == {"house.low", "house.beside"}


def test_a_part_without_a_floor_is_found(house):
    assert house(attic="", cellar__e="").homeless() == {"attic", "cellar"}


def test_torch_behind_two_imports_is_found(house):
    tree = house()
    assert "house.low" in tree.reached("high") and "torch" in tree.outside("house.low")
    assert "house.other" in tree.reached("high")  # the package around an imported module runs too
    assert "torch" not in {name for module in tree.reached("other") for name in tree.outside(module)}
