"""The outside world of the crash test: it survives the executor, and knows ids it has seen."""

import random
import socketserver
import threading


class Receiver:
    """Carries out each id once, is busy now and then, and sometimes hangs up after its work.

    Attributes:
        effects: (key, number, id) in the order in which they took effect.
        repeats: how often an id came again.
    """

    def __init__(self, seed: int) -> None:
        self.effects: list[tuple[str, int, str]] = []
        self.repeats = 0
        self._chance = random.Random(seed)
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                line = self.rfile.readline().decode().split()
                if line:
                    self.wfile.write(outer.answer(line))

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, line: list[str]) -> bytes:
        with self._lock:
            if line[0] == "ask":
                return b"yes\n" if line[1] in self._seen else b"no\n"
            _, action_id, key, number = line
            chance = self._chance.random()
            if chance < 0.1:
                return b"busy\n"
            if action_id in self._seen:
                self.repeats += 1
            else:
                self._seen.add(action_id)
                self.effects.append((key, int(number), action_id))
            return b"" if chance > 0.95 else b"ok\n"  # it hangs up, its work done

    def forget(self) -> None:
        """A new world, for the next data directory."""
        with self._lock:
            self.effects.clear()
            self._seen.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
