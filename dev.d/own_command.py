"""What the programs of ./dev that run somebody's command in a world of their own have in common."""

import signal
import sys


def parse(parser):
    """The arguments; those after -- as `command`. argparse alone would take a command's first word for a number."""
    parser.add_argument("command", nargs="*", metavar="-- COMMAND", help="to run there")
    told = sys.argv[1:]
    split = told.index("--") if "--" in told else len(told)
    chosen = parser.parse_args(told[:split])
    if chosen.command:
        parser.error(f"'{chosen.command[0]}' is not understood; a command comes after --")
    chosen.command = told[split + 1 :]
    return chosen


def end_as_by_ctrl_c():
    """SIGTERM and SIGHUP raise KeyboardInterrupt, too: nothing may be left."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
