"""Where the gateway takes what a corpus refuses, or the other way round, and why that is meant."""

from __future__ import annotations

from typing import Final

TAKEN: Final[dict[str, str]] = {
    "what gunicorn was told to allow less of": "006 007 008 009 010 011 012 017"
    " limit_header_default_01",
    "headers that only some servers understand: they go no further": "019 040 chunked_07",
    "trailers: they go no further": "rfc9110_trailer_forbidden_host_01",
    "more than one empty line ahead": "rfc9112_leading_crlf_02",
    "an upgrade: its log says that HTTP ends there": "connection/13",
}

REFUSED: Final[dict[str, str]] = {
    "a fragment in the target": "005 uri/7",
    "white space before a chunk's extension": "013",
    "one that comes in one piece with what is none": "018 019 021 022 023 connection/1"
    " pipelining/0",
    "transfer codings besides chunked": "025 025_line 029 030 rfc9112_smuggle_gzip_chunked_01"
    " rfc9112_smuggle_te_identity_chunked_01 transfer-encoding/19 transfer-encoding/20",
    "white space before a colon": "028",
    "methods that are in no registry": "031 031compat 031compat2",
    "headers of several lines": "compat_obs_fold compat_obs_fold_huge",
    "the PROXY protocol": "pp_01 pp_02 pp_04 pp_05",
    "another host than the header names": "uri/2 uri/3 uri/5 uri/9"
    " rfc9112_target_absolute_userinfo_01",
    "a target that is no path": "rfc9112_target_asterisk_options_01 method/4"
    " rfc9112_target_authority_connect_01 rfc9112_target_authority_ipv6_01",
    "HTTP/0.9": "sample/9",
    "what never ends": "099 content-length/9 content-length/10 content-length/15"
    " transfer-encoding/0 transfer-encoding/6 transfer-encoding/9",
}

OF_OTHER_PROTOCOLS: Final = ("method/11", "method/12", "method/13")
"""llhttp reads ICE and RTSP as HTTP/1.0, and aiohttp does not tell; they go on as HTTP/1.1."""


def is_meant(name: str, *, good: bool) -> bool:
    """Whether the gateway makes something else of a specimen on purpose.

    Args:
        good: what its corpus says.
    """
    short = name.removeprefix("valid/" if good else "invalid/")
    return any(short in names.split() for names in (REFUSED if good else TAKEN).values())
