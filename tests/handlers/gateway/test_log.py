"""What the gateway logs (contract, section 7), and what it does not."""

from __future__ import annotations

from structlog.testing import capture_logs

from tests.handlers.gateway.stage import Stage, bearer


async def test_the_life_of_a_session_is_told_by_name_and_user(stage: Stage) -> None:
    with capture_logs() as lines:
        async with stage.get("/api/chess/") as answer:
            assert answer.status == 200
        session = stage.session()["metadata"]["name"]
        async with stage.post("/api/chess/session/close") as answer:
            assert answer.status == 200
    about = {"user": "alice", "game": "chess", "session": session}
    told = [line for line in lines if line["log_level"] == "info"]
    assert told == [
        {"event": "session created", "log_level": "info", **about},
        {"event": "session closed", "log_level": "info", **about},
    ]


async def test_requests_of_a_running_session_are_no_news(stage: Stage) -> None:
    await stage.add_session()
    with capture_logs() as lines:
        for _ in range(3):
            async with stage.get("/api/chess/") as answer:
                assert answer.status == 200
    assert [line for line in lines if line["log_level"] != "debug"] == []


async def test_no_token_and_no_body_is_in_any_line(stage: Stage) -> None:
    headers = bearer()
    token = headers["Authorization"].removeprefix("Bearer ")
    with capture_logs() as lines:
        async with stage.post("/api/chess/", headers=headers, data=b"my deepest secret") as answer:
            assert answer.status == 200
        spoilt = {"Authorization": f"Bearer {token[:-4]}AAAA"}
        async with stage.http.get("/api/chess/", headers=spoilt) as answer:
            assert answer.status == 401
    text = repr(lines)
    assert not any(part in text for part in token.split("."))
    assert "my deepest secret" not in text
