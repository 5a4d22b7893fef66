"""What the published client sees when it executes agents, as JSON on standard output: the client unchanged."""

import asyncio
import json
import sys
from dataclasses import asdict
from urllib.request import Request, urlopen

from promptrails import AsyncPromptRails, PromptRails

from refusals import refused


async def executed_async(url, key, how):
    client = AsyncPromptRails(key, base_url=url)
    return asdict(await client.agents.execute(**how))


def streamed(events, gate):
    """The model goes on once its first words have been heard here: whatever follows is heard while it happens."""
    heard = []
    for event in events:
        if not heard:
            urlopen(Request(gate, method="POST")).close()
        heard.append(asdict(event))
    return heard


def main():
    asked = json.load(sys.stdin)
    url, key = asked["url"], asked["key"]
    client = PromptRails(key, base_url=url)
    if "slow" in asked:
        json.dump(asdict(client.agents.execute(**asked["slow"])), sys.stdout)
        return
    executed = {name: asdict(client.agents.execute(**how)) for name, how in asked["executes"].items()}
    begun = client.agents.execute(sync=False, **asked["to_stream"])
    seen = {
        "executed": executed,
        "executed_async": asyncio.run(executed_async(url, key, asked["executes"]["plain"])),
        "got": {name: asdict(client.executions.get(one["execution_id"])) for name, one in executed.items()},
        "begun": asdict(begun),
        "streamed": streamed(client.executions.stream(begun.execution_id), asked["gate"]),
        "streamed_again": [asdict(event) for event in client.executions.stream(begun.execution_id)],
        "by_agent": [one.id for one in client.executions.list(agent_id=asked["agent"]).data],
        "by_session": [one.id for one in client.executions.list(session_id=asked["session"]).data],
        "bad_input": refused(lambda: client.agents.execute(asked["agent"], input={})),
        "unknown": refused(lambda: client.agents.execute(asked["unknown"], input={"message": "x"})),
    }
    json.dump(seen, sys.stdout)


main()
