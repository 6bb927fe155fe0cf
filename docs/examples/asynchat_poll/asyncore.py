"""The drop-in for asyncore."""

from __future__ import annotations

import sys

from asynchat_core import dispatcher as core
from asynchat_core import variants
from asynchat_core.asyncore_surface import *  # noqa: F403
from asynchat_core.loops import LoopFunctions

from ._reactor import ChannelMap, PollReactor

socket_map = ChannelMap()


class dispatcher(core.dispatcher):
    _ac_home = sys.modules[__name__]
    _ac_reactor_type = PollReactor


class dispatcher_with_send(variants.dispatcher_with_send, dispatcher):
    pass


class file_dispatcher(variants.file_dispatcher, dispatcher):
    pass


functions = LoopFunctions(sys.modules[__name__], PollReactor)
loop = functions.loop
poll = poll2 = poll3 = functions.poll
close_all = functions.close_all
