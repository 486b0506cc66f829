"""What the stand-in lists by OSCQuery now, with its faults."""

from interfaces.osc.oscquery import Node
from interfaces.standin.client.oscquery_nodes import nodes
from interfaces.standin.core import StandinCore


def client_tree(core: StandinCore) -> list[Node]:
    """The nodes of the client, for example for node_tree()."""
    values = core.parameters
    if core.faults.late_values:
        changed = core.report.outbox.changed | core.client.raycasts.values.keys()
        values = {
            name: value if name in changed or name[0] == "/" else type(value)(0)
            for name, value in values.items()
        }
    return nodes(core.avatar_config, values, core.camera)
