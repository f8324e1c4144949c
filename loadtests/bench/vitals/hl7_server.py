"""python-hl7's MLLP server as its documentation has it: reads a message, parses it, answers with its acknowledgement."""

import asyncio
import sys

from hl7.mllp import start_hl7_server


async def converse(reader, writer):
    try:
        while not writer.is_closing():
            message = await reader.readmessage()
            writer.writemessage(message.create_ack())
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        if not writer.is_closing():
            writer.close()


async def main():
    # Connections that wait to be accepted: all of them come at once.
    async with await start_hl7_server(converse, "127.0.0.1", port=0, backlog=1024) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"python-hl7 is at 127.0.0.1:{port}", file=sys.stderr, flush=True)
        await server.serve_forever()


asyncio.run(main())
