"""The processors and memory that this process may use, with the limits of a container. Asks the system only."""

import os
import sys
from contextlib import suppress
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
"""Where Linux keeps the limits of the container that this process is in (cgroup-v2.rst)."""


def available_processors(cgroup: Path = _CGROUP) -> int:
    """Return how many processors this process may use (not how many the machine has), a container's quota included."""
    most = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        # Microseconds of work in each period of so many microseconds, or `max`.
        work_us, period_us = (cgroup / "cpu.max").read_text(encoding="utf-8").split()
        return max(1, min(most, int(work_us) // int(period_us)))
    except (OSError, ValueError):
        return most


def processor_name() -> str:
    """Return what the maker calls the processor, or at least its kind."""
    import platform

    return _processor_line("model name") or platform.processor() or platform.machine()


def processor_features() -> str:
    """Return what tells one kind of processor from another: its name, and its instruction sets where the system lists them.

    Hosts of virtual machines give several kinds one name.
    """
    return f"{processor_name()} {_processor_line('flags') or _processor_line('Features')}".strip()


def memory_bytes(cgroup: Path = _CGROUP) -> int | None:
    """Return how much memory this process may use: the machine's, or a container's limit. None: the system does not say."""
    return _limited(_pages_bytes("SC_PHYS_PAGES"), cgroup)


def free_memory_bytes(cgroup: Path = _CGROUP) -> int | None:
    """Return how much of that memory nobody uses now. None: the system does not say."""
    return _limited(_pages_bytes("SC_AVPHYS_PAGES"), cgroup)


def address_space_bytes() -> int | None:
    """Return the limit on this process's address space (`ulimit -v`); None if there is none."""
    if sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _processor_line(key: str) -> str:
    """Return what Linux says of the first processor under a key; nothing where it says nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def _pages_bytes(name: str) -> int | None:
    try:
        pages = os.sysconf(name)
        return pages * os.sysconf("SC_PAGE_SIZE") if pages > 0 else None
    except (AttributeError, OSError, ValueError):  # not on every system
        return None


def _limited(known: int | None, cgroup: Path) -> int | None:
    """Return the smaller of what is known and the limit of this process's container."""
    with suppress(OSError, ValueError):  # no container, or no limit: `max`
        limit = int((cgroup / "memory.max").read_text(encoding="utf-8"))
        return limit if known is None else min(known, limit)
    return known
