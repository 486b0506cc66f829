"""The command line: every command has a help line, and every process of a run a hidden command."""

from importlib import import_module

import pytest
import typer

import main
from interfaces.runtime.process_table import PROCESSES

COMMANDS = typer.main.get_command(main.app).commands


@pytest.mark.parametrize("spec", PROCESSES, ids=lambda spec: spec.name)
def test_every_process_has_a_hidden_command_and_an_entry_point(spec):
    assert COMMANDS[spec.command].hidden
    module, function = spec.entry_point.split(":")
    assert callable(getattr(import_module(module), function))


def test_every_other_command_is_shown_with_a_help_line():
    for name, command in COMMANDS.items():
        if not name.startswith("_"):
            assert not command.hidden
            assert command.help, name
