"""What the published client sees, as JSON on standard output: one scenario per run, the client unchanged."""

import asyncio
import json
import sys
from dataclasses import asdict

from promptrails import AsyncPromptRails, PromptRails

from refusals import refused


def page(found):
    return {"data": [asdict(one) for one in found.data], "meta": asdict(found.meta)}


async def streamed(url, key, execution):
    client = AsyncPromptRails(key, base_url=url)
    return [asdict(event) async for event in client.executions.stream(execution)]


def main():
    asked = json.load(sys.stdin)
    url, key = asked["url"], asked["key"]
    client = PromptRails(key, base_url=url)
    executions = client.executions
    seen = {
        "got": {name: asdict(executions.get(one)) for name, one in asked["executions"].items()},
        "listed": page(executions.list(page=1, limit=20)),
        "second_page": page(executions.list(page=2, limit=2)),
        "by_status": {status: page(executions.list(status=status, limit=100)) for status in asked["statuses"]},
        "by_session": page(executions.list(session_id=asked["session"])),
        "by_agent": page(executions.list(agent_id=asked["agent"])),
        "streamed": {name: [asdict(event) for event in executions.stream(one)] for name, one in asked["streams"].items()},
        "streamed_async": asyncio.run(streamed(url, key, asked["streams"]["completed"])),
        "cancelled": asdict(executions.cancel(asked["to_cancel"])),
        "unknown": refused(lambda: executions.get(asked["unknown"])),
        "bad_status": refused(lambda: executions.list(status="queued")),
        "bad_key": refused(lambda: PromptRails("rl_nobody", base_url=url).executions.list()),
        "forbidden": refused(lambda: PromptRails(asked["viewer"], base_url=url).executions.cancel(asked["to_cancel"])),
    }
    json.dump(seen, sys.stdout)


main()
