"""pyinotify: its AsyncNotifier is a file_dispatcher on an inotify descriptor."""

from __future__ import annotations

import asyncore
import tempfile
from pathlib import Path

import pyinotify
from support import Check


class Pyinotify(Check):
    def watched(self, **kwargs):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        seen = []

        class Handler(pyinotify.ProcessEvent):
            def process_default(self, event):
                seen.append((event.maskname, event.name))

        manager = pyinotify.WatchManager()
        notifier = pyinotify.AsyncNotifier(manager, Handler(), **kwargs)
        self.addCleanup(asyncore.dispatcher.close, notifier)
        manager.add_watch(folder.name, pyinotify.IN_CREATE | pyinotify.IN_DELETE)
        return Path(folder.name), seen

    def test_events_arrive_in_the_loop(self):
        """Files made and removed are told, in order."""
        folder, seen = self.watched()
        (folder / "one").touch()
        (folder / "two").touch()
        (folder / "one").unlink()
        self.wait(lambda: len(seen) == 3, lambda: asyncore.loop(timeout=0.1, count=1))
        self.assertEqual([("IN_CREATE", "one"), ("IN_CREATE", "two"), ("IN_DELETE", "one")], seen)

    def test_private_map(self):
        """``channel_map`` is a dict of the program's own."""
        map = {}
        folder, seen = self.watched(channel_map=map)
        (folder / "one").touch()
        self.wait(lambda: seen, lambda: asyncore.loop(timeout=0.1, map=map, count=1))
        self.assertEqual([("IN_CREATE", "one")], seen)
