"""Worker processes: started together, restarted when they crash, stopped together."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import NamedTuple

from .notify import notify, watchdog_interval
from .refusal import Refused
from .serving import SIGNALS
from .watch import log

#: The exit status of a worker whose configuration cannot be: it is not tried again.
REFUSED = 2

# Seconds before a worker that crashed is restarted: doubled each time, the first again after it has lived so long.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 10.0
# Seconds beyond the workers' own time-out before they are killed.
_MARGIN = 5.0


class Worker(NamedTuple):
    """A process that runs."""

    number: int
    began: float
    lifeline: socket.socket


class Supervisor:
    """
    Keep some workers running until a signal.

    Args:
        count: how many.
        work: runs one in its process, given its number from 1 on and its end of the lifeline: it writes a byte there
            when it is ready, and ends when it reads the end of the stream, since then its parent is gone. Returns the
            exit status.
        stop_timeout: seconds that a worker has to stop.
    """

    def __init__(self, count: int, work: Callable[[int, socket.socket], int], stop_timeout: float) -> None:
        self._count = count
        self._work = work
        self._stop_timeout = stop_timeout
        self._workers: dict[int, Worker] = {}
        self._ready: set[int] = set()
        self._announced = False
        self._pauses = dict.fromkeys(range(1, count + 1), _FIRST_PAUSE)
        # When to start which worker.
        self._due: dict[int, float] = {}
        self._signals = self._heard = 0
        self._kill_at: float | None = None
        self._status = 0

    def run(self) -> int:
        """Run until all workers have ended for good; return the exit status."""
        wake, write_end = socket.socketpair()
        for end in (wake, write_end):
            end.setblocking(False)
        handlers = {number: signal.signal(number, self._signal) for number in SIGNALS}
        handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        before = signal.set_wakeup_fd(write_end.fileno(), warn_on_full_buffer=False)
        self._inherited = [wake, write_end]
        try:
            for index in range(1, self._count + 1):
                self._start(index)
            while self._workers or self._due:
                self._turn(wake)
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            wake.close()
            write_end.close()
        return self._status

    def _turn(self, wake: socket.socket) -> None:
        waiting = {worker.lifeline: pid for pid, worker in self._workers.items() if pid not in self._ready}
        readable, _, _ = select.select([wake, *waiting], [], [], self._patience())
        with suppress(BlockingIOError):
            wake.recv(4096)
        for lifeline in readable:
            if lifeline is not wake:
                # A byte, or the end of the stream: then the process is about to be reaped.
                lifeline.recv(1)
                self._ready.add(waiting[lifeline])
        while self._heard < self._signals:
            self._heard += 1
            self._stop()
        self._reap()
        now = monotonic()
        for index, when in list(self._due.items()):
            if when <= now:
                del self._due[index]
                self._start(index)
        if self._kill_at is not None and self._kill_at <= now:
            self._tell(signal.SIGKILL)
        if len(self._ready) == self._count and not self._announced:
            self._announced = True
            notify("READY=1", f"STATUS=Serving with {self._count} workers")
        if watchdog_interval() is not None:
            notify("WATCHDOG=1")

    def _patience(self) -> float | None:
        now = monotonic()
        times = [max(0.0, when - now) for when in self._due.values()]
        if self._kill_at is not None:
            times.append(max(0.0, self._kill_at - now))
        interval = watchdog_interval()
        if interval is not None:
            times.append(interval)
        return min(times, default=None)

    def _start(self, index: int) -> None:
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        # A signal that comes before the worker has handlers of its own must not end in the copies of ours.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        pid = os.fork()
        if not pid:
            ours.close()
            self._become(index, theirs)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        theirs.close()
        self._workers[pid] = Worker(index, monotonic(), ours)

    def _become(self, index: int, lifeline: socket.socket) -> None:
        """Be the worker; never returns."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (*SIGNALS, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            # A terminal's interrupt is for the supervisor, which tells the workers; twice would abort them.
            os.setpgid(0, 0)
            for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
                os.environ.pop(name, None)
            for sock in (*self._inherited, *(worker.lifeline for worker in self._workers.values())):
                sock.close()
            status = self._work(index, lifeline)
        except Refused as error:
            print(f"asynchat: {error}", file=sys.stderr)
            status = REFUSED
        except BaseException:
            traceback.print_exc()
        finally:
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        for pid in list(self._workers):
            ended, state = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._ready.discard(pid)
                worker = self._workers.pop(pid)
                worker.lifeline.close()
                self._ended(pid, worker, os.waitstatus_to_exitcode(state))

    def _ended(self, pid: int, worker: Worker, status: int) -> None:
        if self._heard:
            return
        if status == 0:
            log.info("worker %s (pid %s) has ended by itself", worker.number, pid)
        elif status == REFUSED:
            self._status = REFUSED
            self._signals += 1
        else:
            lived = monotonic() - worker.began
            pause = _FIRST_PAUSE if lived >= _LONGEST_PAUSE else self._pauses[worker.number]
            self._pauses[worker.number] = min(2 * pause, _LONGEST_PAUSE)
            self._due[worker.number] = monotonic() + pause
            why = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
            log.error("worker %s (pid %s) crashed, %s: again in %.1f s", worker.number, pid, why, pause)

    def _signal(self, number: int, frame: object) -> None:
        # The wakeup descriptor ends the wait.
        self._signals += 1

    def _stop(self) -> None:
        """Stop all workers; told again, they abort."""
        self._due.clear()
        if self._kill_at is None:
            log.info("stopping %s workers", len(self._workers))
            notify("STOPPING=1", f"STATUS=Stopping {len(self._workers)} workers")
            self._kill_at = monotonic() + self._stop_timeout + _MARGIN
        self._tell(signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for pid in self._workers:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
