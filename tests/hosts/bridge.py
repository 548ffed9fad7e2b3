"""A host with the official Python client: reads calls of tools, a line of JSON each, and writes what came of them.

    python bridge.py URL MODE      MODE: auto (the modern era, if the server has it) or legacy
"""
import asyncio
import json
import sys

from mcp.client.client import Client


async def main(url: str, mode: str) -> None:
    async with Client(url, mode=mode) as client:
        listed = await client.list_tools()
        say({"tools": [tool.name for tool in listed.tools]})
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            call = json.loads(line)
            result = await client.call_tool(call["tool"], call["arguments"])
            told = result.model_dump(by_alias=True)
            say({"given": told.get("structuredContent"), "isError": bool(told.get("isError"))})


def say(told: dict) -> None:
    print(json.dumps(told), flush=True)


asyncio.run(main(*sys.argv[1:]))
