"""frozen: one thread of a process held still, while the others run on (ptrace(2); the thread knows nothing of it)."""

import ctypes
import os
import pathlib

import cases

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WAIT_ALL = 0x40000000  # __WALL: threads, too

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def thread_named(pid, name):
    """The id of the thread of that name."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(task.name)
    raise cases.Failure(f"process {pid} has no thread {name}")


def ptrace(request, thread):
    if libc.ptrace(request, thread, None, None) != 0:
        number = ctypes.get_errno()
        if number == 1:  # EPERM: a container without SYS_PTRACE, or Yama
            raise cases.Skip("ptrace is not allowed here")
        raise OSError(number, os.strerror(number))


class Frozen:
    """with Frozen(pid, "skua-worker-0"): … the thread stands still, until the block ends or its process does."""

    def __init__(self, pid, name):
        self.thread = thread_named(pid, name)

    def __enter__(self):
        ptrace(SEIZE, self.thread)
        ptrace(INTERRUPT, self.thread)
        os.waitpid(self.thread, WAIT_ALL)
        self.held = True
        return self

    def ended(self):
        """Whether the thread has been killed meanwhile. To be asked: a process ends only when whoever holds its threads looks."""
        if self.held and os.waitpid(self.thread, WAIT_ALL | os.WNOHANG)[0] == self.thread:
            self.held = False
        return not self.held

    def __exit__(self, *unused):
        if not self.ended():
            ptrace(DETACH, self.thread)
            self.held = False
