"""Where the parts are put together: a node, and the HTTP application around it."""

import gc
from typing import Final

from sekisho.entrypoints.api import build_api
from sekisho.entrypoints.decisions_route import Doorway
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.settings import Settings
from sekisho.entrypoints.stripe import build_stripe

COLLECT_AFTER: Final = (20_000, 20, 50)
"""New objects before the collector looks for cycles, and how much rarer it looks at older ones."""


def open_node(settings: Settings) -> Node:
    """One running Sekisho on its data directory.

    Raises:
        StoreError: the directory is taken, damaged, or cannot be written.
    """
    return Node(settings)


def build_application(node: Node) -> Doorway:
    """Everything that is served over HTTP."""
    framework = build_api(node)
    framework.router.routes.extend(build_stripe())
    # What is loaded by now lives as long as the process: the collector need not walk it again.
    gc.collect()
    gc.freeze()
    # A decision leaves next to no cycles behind; looking for them every 700 objects cost a tenth.
    gc.set_threshold(*COLLECT_AFTER)
    return Doorway(node, framework)
