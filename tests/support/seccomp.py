"""Runs a program without some system calls, as in a container: seccomp.py CALL[,CALL...] PROGRAM [ARGUMENT...]

A call is unshare, setns, mount, or packet: socket(AF_PACKET). Each is answered with EPERM.
"""
import ctypes
import errno
import os
import platform
import struct
import sys

NUMBERS = {
    "x86_64": {"unshare": 272, "setns": 308, "mount": 165, "socket": 41},
    "aarch64": {"unshare": 97, "setns": 268, "mount": 40, "socket": 198},
}[platform.machine()]
# Instructions of the classic filter: load a word, jump if it is equal, return.
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
NUMBER, FIRST_ARGUMENT = 0, 16
AF_PACKET = 17
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2


class Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def instruction(code, value, so=0, otherwise=0):
    return struct.pack("HBBI", code, so, otherwise, value)


def rules(calls):
    for call in calls:
        if call == "packet":
            yield instruction(LOAD, NUMBER)
            yield instruction(EQUAL, NUMBERS["socket"], 0, 3)
            yield instruction(LOAD, FIRST_ARGUMENT)
            yield instruction(EQUAL, AF_PACKET, 0, 1)
        else:
            yield instruction(LOAD, NUMBER)
            yield instruction(EQUAL, NUMBERS[call], 0, 1)
        yield instruction(RETURN, REFUSE)
    yield instruction(RETURN, ALLOW)


code = b"".join(rules(sys.argv[1].split(",")))
libc = ctypes.CDLL(None, use_errno=True)
program = Program(len(code) // 8, code)
for arguments in [(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)]:
    if libc.prctl(*arguments) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[2], sys.argv[2:])
