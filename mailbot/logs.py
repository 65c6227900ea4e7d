"""Logs: JSON for machines, readable on a terminal, always on standard error. No line names a person or quotes a message."""

import logging
import sys
from pathlib import Path
from traceback import extract_tb
from typing import TextIO, cast

import structlog

_OURS = tuple(f"{Path(__file__).parents[1] / package}/" for package in ("mailbot", "rules", "storage"))
"""Where our own code lies: what broke in a library was called from there."""

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class _StandardError:
    """Standard error as it is when a line is written, not as it was when logs were set up."""

    def write(self, text: str) -> int:
        """Write."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush."""
        sys.stderr.flush()


def set_up_logs(least: int = logging.INFO) -> None:
    """Send structured lines of that level or above to standard error: coloured for a person who looks, JSON for a journal."""
    renderer: structlog.typing.Processor
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(repr_native_str=True)  # a server's words may hold what a terminal obeys
    else:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _StandardError())),
        cache_logger_on_first_use=False,
    )


def where(error: Exception) -> dict[str, str]:
    """Return what broke and where, without the words of the exception: they may quote a message (I6)."""
    frames = extract_tb(error.__traceback__)
    last = next((frame for frame in reversed(frames) if frame.filename.startswith(_OURS)), frames[-1])
    return {"error": type(error).__name__, "at": f"{last.filename.rpartition('/')[2]}:{last.lineno}"}
