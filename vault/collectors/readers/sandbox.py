"""What the kernel still does for a reading child: a seccomp filter, where Linux has it.

A list of what readers need, and `EPERM` for everything else: no sockets, programs, processes
or signals to others, and files only for reading. Unlike the audit hook it also holds back
machine code that a parser was talked into. Written by hand, since the one binding there is
wants libseccomp on the machine. `seccomp(2)`; numbers as in the kernel's `unistd_64.h` (x86-64)
and `asm-generic/unistd.h` (arm64).
"""

import os
import struct
import sys

__all__ = ["confine", "program"]

# The number on x86-64 and on arm64, where it may have none; the frequent ones first.
_CALLS: dict[str, tuple[int, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "futex": (202, 98),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "brk": (12, 214),
    "madvise": (28, 233),
    "mremap": (25, 216),
    "mprotect": (10, 226),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "stat": (4, None),
    "lstat": (6, None),
    "statx": (332, 291),
    "close": (3, 57),
    "pread64": (17, 67),
    "readv": (19, 65),
    "writev": (20, 66),
    "getdents64": (217, 61),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getcwd": (79, 17),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "fadvise64": (221, 223),
    "dup": (32, 23),
    "getrusage": (98, 165),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "getrandom": (318, 278),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "getcpu": (309, 168),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120),
    "membarrier": (324, 283),
    "rseq": (334, 293),
    "set_robust_list": (273, 99),
    "sigaltstack": (131, 132),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "restart_syscall": (219, 128),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "exit": (60, 93),
    "exit_group": (231, 94),
}

_EQUAL, _ANY_BIT = 0x15, 0x45  # conditional jumps
_LOAD, _RETURN = 0x20, 0x06
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 + 1  # EPERM
_UNKNOWN = 0x00050000 + 38  # ENOSYS
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16

_O_TMPFILE = 0x400000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | _O_TMPFILE
_THREAD = 0x10000  # CLONE_THREAD
_OWNER = 0x8  # F_SETOWN, F_SETSIG, F_SETOWN_EX: who is sent signals

_MACHINES = {"x86_64": (0xC000003E, 317), "aarch64": (0xC00000B7, 277)}
"""What a kind of machine is called in the filter, and its number of `seccomp`."""

_Step = tuple[int, int, int, int]


def program(machine: str, process: int) -> bytes:
    """Return the filter for a kind of machine, 8 bytes for each instruction.

    Args:
        machine: `x86_64` or `aarch64`.
        process: Whose threads may be sent signals: the reader's own number.
    """
    column = list(_MACHINES).index(machine)
    architecture, _ = _MACHINES[machine]
    steps: list[_Step] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    for numbers in _CALLS.values():
        if (number := numbers[column]) is not None:
            steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    for numbers, argument, test, value, then, otherwise in (
        ((2, None), 1, _ANY_BIT, _WRITING, _REFUSE, _ALLOW),  # open
        ((257, 56), 2, _ANY_BIT, _WRITING, _REFUSE, _ALLOW),  # openat
        ((72, 25), 1, _ANY_BIT, _OWNER, _REFUSE, _ALLOW),  # fcntl
        ((56, 220), 0, _ANY_BIT, _THREAD, _ALLOW, _REFUSE),  # clone
        ((234, 131), 0, _EQUAL, process, _ALLOW, _REFUSE),  # tgkill
        ((302, 261), 0, _EQUAL, 0, _ALLOW, _REFUSE),  # prlimit64, of itself
    ):
        if (number := numbers[column]) is not None:
            steps += [
                (_EQUAL, 0, 4, number),
                (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument),
                (test, 0, 1, value),
                (_RETURN, 0, 0, then),
                (_RETURN, 0, 0, otherwise),
            ]
    # The flags of clone3 lie where a filter cannot look; without it threads are made by clone.
    steps += [(_EQUAL, 0, 1, 435), (_RETURN, 0, 0, _UNKNOWN), (_RETURN, 0, 0, _REFUSE)]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def confine() -> bool:
    """Put this process under the filter for good; return whether the machine has such a thing."""
    if sys.platform != "linux" or sys.maxsize < 1 << 32 or os.uname().machine not in _MACHINES:
        return False
    # Imported here: it is not on every machine, and nothing but this may ever use it.
    import ctypes  # noqa: PLC0415

    machine = os.uname().machine
    steps = ctypes.create_string_buffer(program(machine, os.getpid()))
    filter_ = struct.pack("<H6xQ", len(steps) // 8, ctypes.addressof(steps))
    libc = ctypes.CDLL(None)
    no_new_privileges, set_filter, all_threads = 38, 1, 1
    libc.prctl(*map(ctypes.c_ulong, (no_new_privileges, 1, 0, 0, 0)))
    _, number = _MACHINES[machine]
    done: int = libc.syscall(
        *map(ctypes.c_long, (number, set_filter, all_threads)), ctypes.c_char_p(filter_)
    )
    return done == 0
