"""Pages in the browser that show networks while they run."""

from typing import TYPE_CHECKING

from ..base.handing_on import hand_on

if TYPE_CHECKING:
    from .dashboard import Dashboard
    from .files import DASHBOARD_FILES, PageFiles
    from .listening import UnusableAddressError, open_socket
    from .messages import as_json, encode
    from .on_signal import show_on_signal
    from .page_link import Channel, PageLink
    from .safety import Rules, new_token, strict_headers
    from .states import GovernorRow, LinkRow, NetworkState, NodeRow, network_state
    from .timeline import Timeline
else:
    __getattr__, __dir__ = hand_on(
        __name__,
        {
            ".messages": "as_json encode",
            ".dashboard": "Dashboard",
            ".files": "DASHBOARD_FILES PageFiles",
            ".listening": "UnusableAddressError open_socket",
            ".states": "GovernorRow LinkRow NetworkState NodeRow network_state",
            ".on_signal": "show_on_signal",
            ".page_link": "Channel PageLink",
            ".safety": "Rules new_token strict_headers",
            ".timeline": "Timeline",
        },
    )

__all__ = [
    "DASHBOARD_FILES",
    "Channel",
    "Dashboard",
    "GovernorRow",
    "LinkRow",
    "NetworkState",
    "NodeRow",
    "PageFiles",
    "PageLink",
    "Rules",
    "Timeline",
    "UnusableAddressError",
    "as_json",
    "encode",
    "network_state",
    "new_token",
    "open_socket",
    "show_on_signal",
    "strict_headers",
]
