"""Values at the edges of what fields may hold, and beyond."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Values = st.SearchStrategy[Any]

USERS = st.one_of(
    st.sampled_from(
        ["a", "x" * 253, "🎲" * 253, "é", "e\u0301", " alice ", "../x", "\u202ea", "null"]
    ),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=253),
)
"""All that `spec.user` may be."""

BAD_USERS: Values = st.sampled_from(
    ["", "x" * 254, "a\nb", "\x00", "a\x7f", "\x85", None, 7, ["a"]]
)

LONG_DURATIONS = ["30m", "1h30m", "999999h", "999999h999999h99999h", "999999999s", "999999999999ms"]
DURATIONS = st.sampled_from(
    [*LONG_DURATIONS, "5s", "5000ms", "0005s", "4s1000ms", "0h0m5s0ms", "7s"]
)
"""All that an idle timeout may be."""

BAD_DURATIONS: Values = st.one_of(
    st.sampled_from(
        ["", "5", "4999ms", "-5s", "1d", "5 s", "5S", "1.5h", "٥s", "1000000h", "1e3s"]
    ),
    st.sampled_from(["1s" * 11, "9" * 20, "inf", None, 5, 5.5, True, {"seconds": 5}]),
)

QUANTITIES: Values = st.sampled_from(["1", "50m", "0.1", ".5", "1e0", "1E0", "1k", "1Ki", 1, 0.5])
"""Of CPU: each is taken, and no less than a thousandth."""
BAD_QUANTITIES: Values = st.sampled_from(
    ["", "much", "1.2.3", "-1", "1e", "0x10", "١", "1 Gi", "1ki", "9" * 400, None, True, [], {}]
)

COUNTS = st.sampled_from([0, 1, 2, 999_999, 1_000_000])
BAD_COUNTS: Values = st.sampled_from([-1, 1_000_001, 2**31, 2**63, 2**64, 1.5, "1", True, None, []])
PORTS = st.sampled_from([1, 80, 8080, 65535])
PATHS = st.sampled_from(["/", "/%zz", "/a", '/{}[]|\\^`"<>', "/~!$&'()*+,;=:@", "/" + "x" * 1023])
"""Of requests: all that is printable is."""

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 1.5, 1e300, -0.0]),
    st.text(max_size=20),
    st.sampled_from(["", "null", "\u0000", "\ud800", "x" * 5000, "1970-01-01T00:00:00Z", "{{x}}"]),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
"""Any JSON there is."""

TIMES = st.sampled_from(
    [
        "1000-01-01T00:00:00Z",
        "1000-01-01T00:00:00+23:59",
        "1970-01-01T00:00:00.000000Z",
        "2026-11-22T23:59:59.999999999Z",
        "2999-12-31T23:59:59.999999999-23:59",
    ]
)
INSTANTS = TIMES | st.sampled_from(
    [
        "2026-02-29T00:00:00Z",
        "2026-11-22T23:59:60Z",
        "2026-13-01T00:00:00Z",
        "2026-11-22t00:00:00z",
        "",
        "now",
    ]
)
"""Some are no times, some are such that few programs read them."""
