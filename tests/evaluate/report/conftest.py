"""Whether there is a browser to open reports in."""

from __future__ import annotations

from tests.evaluate.listening.chromium import PROGRAM

collect_ignore = [] if PROGRAM else ["test_report_in_chromium.py"]
