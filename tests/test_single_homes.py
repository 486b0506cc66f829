"""What is written once: which method runs, where the discount is, how observations are filtered."""

import ast

import pytest

from configs.methods.table import METHODS
from tests.conftest import ROOT
from tests.test_architecture import LAYERS, parsed, sources

# Where a method is chosen by its name: the schema, its table and rules, and the loader of plugins.
METHOD_HOMES = (
    *("configs/methods/", "configs/schema.py", "interfaces/core/learning_methods.py"),
    *("interfaces/core/plugins.py", "trainer/learners/registry.py"),
)


def code():
    """(path, node) for every node of the four layers."""
    for layer in LAYERS:
        for path in sources(layer):
            place = path.relative_to(ROOT).as_posix()
            for node in ast.walk(parsed(path)):
                yield place, node


def asks_for_the_method(node):
    """config.method, or a comparison with the name of a method."""
    if isinstance(node, ast.Attribute) and node.attr == "method":
        return "config" in ast.unparse(node.value)
    if isinstance(node, ast.Compare):
        parts = [node.left, *node.comparators]
        constants = [
            each.value
            for part in parts
            for each in ast.walk(part)
            if isinstance(each, ast.Constant)
        ]
        return bool(set(METHODS) & {each for each in constants if isinstance(each, str)})
    return False


def test_nothing_outside_the_registry_asks_which_method_runs():
    found = {
        f"{place}:{node.lineno}"
        for place, node in code()
        if asks_for_the_method(node) and not place.startswith(METHOD_HOMES)
    }
    # The message of `train --sessions` names the method that was asked for its capability.
    assert {place for place in found if not place.startswith("trainer/running/offline.py")} == set()


def test_no_module_imports_the_learner_of_a_method():
    learners = {method.learner.split(":")[0] for method in METHODS.values()}
    assert {
        place
        for place, node in code()
        if isinstance(node, ast.ImportFrom) and node.module in learners
    } == set()


@pytest.mark.parametrize(
    ("call", "home"),
    [
        (".encoder", "agent/networks/observing.py"),
        ("dynamics.observe", "agent/networks/observing.py"),
    ],
)
def test_observations_are_encoded_and_filtered_in_one_place(call, home):
    places = {
        place
        for place, node in code()
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(call)
    }
    assert places == {"agent/networks/observing.py"}


def test_the_place_of_the_discount_is_known_in_one_module():
    places = {
        place
        for place, node in code()
        if isinstance(node, ast.Attribute) and node.attr == "discount_in"
    }
    assert places == {"trainer/objectives/discounting.py"}
