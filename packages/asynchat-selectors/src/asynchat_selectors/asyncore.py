"""A drop-in for the standard library's asyncore, on the standard library's selectors."""

from __future__ import annotations

import sys

from asynchat_core import dispatcher as _dispatcher
from asynchat_core import variants as _variants
from asynchat_core.asyncore_surface import *  # noqa: F403
from asynchat_core.loops import LoopFunctions as _LoopFunctions

from ._reactor import ChannelMap, SelectorReactor

_this = sys.modules[__name__]
socket_map = ChannelMap()


class dispatcher(_dispatcher.dispatcher):  # noqa: N801 - the documented name
    """A socket and its event handlers; see the class it derives from."""

    _ac_home = _this
    _ac_reactor_type = SelectorReactor


class dispatcher_with_send(_variants.dispatcher_with_send, dispatcher):  # noqa: N801 - the documented name
    """A dispatcher with a buffer for output; see the class it derives from."""


class file_dispatcher(_variants.file_dispatcher, dispatcher):  # noqa: N801 - the documented name
    """A dispatcher on a pipe or another descriptor; see the class it derives from."""


_functions = _LoopFunctions(_this, SelectorReactor)
loop = _functions.loop
poll = poll2 = poll3 = _functions.poll
close_all = _functions.close_all
