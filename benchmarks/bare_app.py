"""The floor over HTTP: the same server library, one message decoded and encoded, nothing decided."""

import socket
from typing import Any

import msgspec
import uvicorn

_DECODER = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()
_HEADERS = (b"content-type", b"application/json")


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer a JSON body with that same value."""
    assert scope["type"] == "http"
    message = await receive()
    body = _ENCODER.encode(_DECODER.decode(message["body"]))
    headers = [_HEADERS, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve on a free port and name it, as `sekisho serve` does."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"ready http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_level="warning"
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
