"""Redis Streams: a stream a topic, a consumer group a group; unacknowledged entries are claimed."""

# The stubs of redis answer for the blocking and the asynchronous client at once.
# pyright: strict, reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from sekisho.brokers.model import BrokerUnavailable, Message
from sekisho.brokers.ports import Delivery

KEEP_ABOUT: Final = 1_000_000
_FIELD: Final = b"message"
_BUSY: Final = "BUSYGROUP"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode
_Entry = tuple[bytes, dict[bytes, bytes]]


class RedisBroker:
    """Redis Streams behind the port.

    What Redis keeps through a crash is its `appendonly` setting; as packaged by Debian it keeps
    nothing, so only rows that are also in the outbox may travel this way.

    Args:
        url: `redis://[:password@]host:port/db`.
        consumer: this client's name within its groups.
        lease_s: an entry not acknowledged for so long is claimed by whoever asks next.
    """

    def __init__(self, url: str, consumer: str, lease_s: float = 30.0) -> None:
        self._redis = Redis.from_url(url, socket_connect_timeout=5)
        self._consumer = consumer
        self._lease_ms = round(lease_s * 1000)

    async def declare(self, topic: str, group: str) -> None:
        """Make the stream and the group, from the stream's first entry on."""
        try:
            await self._redis.xgroup_create(topic, group, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith(_BUSY):
                raise _lost(error) from error
        except (RedisError, OSError) as error:
            raise _lost(error) from error

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Append in one transaction; the stream keeps about the last million entries."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                for message in messages:
                    entry: dict[Any, Any] = {_FIELD: _encode(message)}
                    pipe.xadd(topic, entry, maxlen=KEEP_ABOUT, approximate=True)
                await pipe.execute()
        except (RedisError, OSError) as error:
            raise _lost(error) from error

    async def receive(self, topic: str, group: str, most: int, wait_s: float) -> list[Delivery]:
        """Entries whose receiver fell silent first, then new ones."""
        try:
            claimed = await self._claim(topic, group, most)
            if claimed:
                return claimed
            told = await self._redis.xreadgroup(
                group, self._consumer, {topic: ">"}, count=most, block=max(1, round(wait_s * 1000))
            )
        except (RedisError, OSError) as error:
            raise _lost(error) from error
        streams = cast("list[tuple[bytes, list[_Entry]]]", told)
        entries = streams[0][1] if streams else []
        return [self._delivery(topic, group, entry, 1) for entry in entries]

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _claim(self, topic: str, group: str, most: int) -> list[Delivery]:
        waiting = await self._redis.xpending_range(
            topic, group, min="-", max="+", count=most, idle=self._lease_ms
        )
        counts: dict[bytes, int] = {
            row["message_id"]: row["times_delivered"]
            for row in cast("list[dict[str, Any]]", waiting)
        }
        if not counts:
            return []
        entries = await self._redis.xclaim(
            topic, group, self._consumer, self._lease_ms, cast("list[Any]", list(counts))
        )
        return [
            self._delivery(topic, group, entry, counts[entry[0]] + 1)
            for entry in cast("list[_Entry]", entries)
            if entry[1]  # trimmed away meanwhile
        ]

    def _delivery(self, topic: str, group: str, entry: _Entry, attempt: int) -> Delivery:
        entry_id, fields = entry
        message = _read(fields)
        place = _Place(topic, group, self._consumer, entry_id, self._lease_ms)
        return RedisDelivery(self._redis, place, message, attempt)


@dataclass(frozen=True, slots=True)
class _Place:
    topic: str
    group: str
    consumer: str
    entry: bytes
    lease_ms: int


@dataclass(frozen=True, slots=True)
class RedisDelivery:
    """One entry of a stream, pending for this consumer."""

    redis: Redis
    place: _Place
    message: Message
    attempt: int

    async def done(self) -> None:
        """Take it off the group's pending list."""
        try:
            await self.redis.xack(self.place.topic, self.place.group, self.place.entry)
        except (RedisError, OSError) as error:
            raise _lost(error) from error

    async def again(self, delay_s: float) -> None:
        """Set how long it has been idle so that it is claimed after the delay."""
        idle = max(0, self.place.lease_ms - round(delay_s * 1000))
        try:
            await self.redis.xclaim(
                self.place.topic,
                self.place.group,
                self.place.consumer,
                0,
                [self.place.entry],
                idle=idle,
                retrycount=self.attempt,
            )
        except (RedisError, OSError) as error:
            raise _lost(error) from error


def _read(fields: dict[bytes, bytes]) -> Message:
    """Ours carry one packed field; those of other producers are read field by field."""
    packed = fields.get(_FIELD)
    if packed is not None:
        try:
            return _decode(packed)
        except msgspec.MsgspecError:
            pass
    headers = {
        name.decode(errors="replace").lower(): value.decode(errors="replace")
        for name, value in fields.items()
        if name not in {b"data", b"id", b"key"}
    }
    return Message(
        fields.get(b"id", b"").decode(errors="replace"),
        fields.get(b"data", b""),
        fields.get(b"key", b"").decode(errors="replace"),
        headers,
    )


def _lost(error: Exception) -> BrokerUnavailable:
    return BrokerUnavailable(f"Redis: {error or type(error).__name__}; is it up at this address?")
