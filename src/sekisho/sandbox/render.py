"""From rows of numbers to columns of text: each stream's frame, as a caller would send it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sekisho.sandbox.draft import Drafts, Flags, Floats, Hard, Ints, Kind, Stream
from sekisho.sandbox.entities import FUNDING, NAMES_OF, Entities, scrambled
from sekisho.sandbox.places import (
    BRANDS,
    CHANGES,
    CHANNELS,
    CONNECTIONS,
    COUNTRIES,
    DISPOSABLE_DOMAINS,
    EMAIL_DOMAINS,
    ISSUERS_PER_BRAND,
    LOGIN_RESULTS,
    NICKNAMES,
    PROMOTIONS,
    SEGMENT_ROW,
    SEGMENTS,
    STREETS,
    SYSTEMS,
    WALLETS,
)

ID_PREFIX = {
    Stream.SIGNUP: "sup",
    Stream.LOGIN: "log",
    Stream.SENSITIVE_CHANGE: "chg",
    Stream.OTP_REQUEST: "otp",
    Stream.PAYMENT: "pay",
    Stream.INBOUND_TRANSFER: "tin",
    Stream.OUTBOUND_TRANSFER: "out",
}
NAMED_STYLES = 3  # of five ways to make up an e-mail address
SHARD_IDS = 10_000_000
"""Ids of one shard: a number of eleven digits, too short to be taken for a card number."""

UTC_TIME = pl.Datetime("us", "UTC")
_NOT_IN_EMAIL = re.compile(r"[^a-z]")


def words(rows: Ints, table: Sequence[str | None]) -> pl.Series:
    """The text at each of these rows of a small table.

    >>> words(np.array([1, 0, 1]), ("no", "yes")).to_list()
    ['yes', 'no', 'yes']
    """
    return pl.Series(table, dtype=pl.String).gather(rows.astype(np.uint32))


def event_ids(stream: Stream, shard: int, rows: int) -> pl.Series:
    """Ids in time order within a shard: they say nothing about what an event is."""
    first = 10**10 + shard * SHARD_IDS
    return _numbered(ID_PREFIX[stream], np.arange(first, first + rows))


def moments(at_us: Ints) -> pl.Series:
    """Times as a column."""
    return pl.Series(at_us).cast(UTC_TIME)


@dataclass(frozen=True, slots=True)
class Pages:
    """Every table of entities, written out: an event's columns are gathered from these."""

    people: pl.DataFrame
    phones: pl.DataFrame
    cards: pl.DataFrame
    addresses: pl.DataFrame
    ips: pl.DataFrame
    devices: pl.DataFrame
    payees: pl.DataFrame
    merchants: pl.DataFrame
    is_shipped: Flags  # by merchant
    per_usd: Floats  # minor units of each person's currency for one dollar

    def frame(self, drafts: Drafts, stream: Stream, shard: int) -> pl.DataFrame:
        """The events of one stream; drafts are of that stream and in time order."""
        rows = len(drafts)
        head = pl.DataFrame(
            {
                "type": pl.Series([stream.name.lower()]).new_from_index(0, rows),
                "id": event_ids(stream, shard, rows),
                "occurred_at": moments(drafts["at_us"]),
            }
        )
        return pl.concat([head, *self._parts(drafts, stream)], how="horizontal")

    def _parts(self, drafts: Drafts, stream: Stream) -> list[pl.DataFrame]:
        unsaid = "name" if stream is Stream.PAYMENT else "metadata.CustomerType"
        people = self.people.drop(unsaid)
        moved = stream in {Stream.PAYMENT, Stream.INBOUND_TRANSFER, Stream.OUTBOUND_TRANSFER}
        who = _gathered(people if moved else people.drop("currency"), drafts["person"])
        session = [_gathered(self.ips, drafts["ip"]), _gathered(self.devices, drafts["device"])]
        match stream:
            case Stream.PAYMENT:
                return [self._amounts(drafts), who, *session, *self._purchase(drafts)]
            case Stream.INBOUND_TRANSFER | Stream.OUTBOUND_TRANSFER:
                payee = _gathered(self.payees, drafts["instrument"])
                account = who.select(
                    account=pl.col("customer").str.replace("cus_", "fa_", literal=True)
                )
                return [self._amounts(drafts), account, who, *session, payee]
            case Stream.OTP_REQUEST:
                phone = _gathered(self.phones, drafts["instrument"])
                channel = pl.DataFrame({"channel": words(drafts["detail"], CHANNELS)})
                return [who.drop("phone"), phone, *session, channel]
            case Stream.LOGIN:
                result = pl.DataFrame({"login_result": words(drafts["detail"], LOGIN_RESULTS)})
                return [who.drop("phone"), *session, result]
            case Stream.SENSITIVE_CHANGE:
                change = pl.DataFrame({"change_kind": words(drafts["detail"], CHANGES)})
                return [who, *session, change]
            case Stream.SIGNUP:
                return [who, *session]

    def _amounts(self, drafts: Drafts) -> pl.DataFrame:
        minor = np.rint(drafts["amount_usd"] * self.per_usd[drafts["person"]])
        return pl.DataFrame({"amount": np.maximum(minor, 1).astype(np.int64)})

    def _purchase(self, drafts: Drafts) -> list[pl.DataFrame]:
        merchants = _gathered(self.merchants, drafts["place"])
        shipping = _gathered(self.addresses, drafts["address"], self.is_shipped[drafts["place"]])
        offer = words(drafts["promo"], PROMOTIONS)
        return [
            _gathered(self.cards, drafts["instrument"]),
            shipping.rename(lambda name: f"shipping_address_{name}"),
            merchants,
            pl.DataFrame(
                {"digital_wallet": words(drafts["detail"], WALLETS), "metadata.promo": offer}
            ),
        ]


def written(entities: Entities) -> Pages:
    """Write out all tables once; afterwards an event costs only look-ups."""
    addresses = _addresses(entities)
    names = _names(entities)
    country = entities.people.column("country")
    scale = np.array([c.per_usd * 10**c.digits for c in COUNTRIES])
    return Pages(
        people=_people(entities, names),
        phones=pl.DataFrame({"phone": _phones(entities)}),
        cards=_cards(entities, names, addresses),
        addresses=addresses,
        ips=_ips(entities),
        devices=_devices(entities),
        payees=pl.DataFrame({"counterparty": _ids("acct", len(entities.payees), 5)}),
        merchants=_merchants(entities),
        is_shipped=np.array([s.is_shipped for s in SEGMENTS])[entities.merchants.column("segment")],
        per_usd=scale[country],
    )


def _gathered(page: pl.DataFrame, rows: Ints, shown: Flags | None = None) -> pl.DataFrame:
    """The page's rows, empty where not shown."""
    index = pl.Series("row", rows.astype(np.uint32))
    if shown is not None:
        index = pl.select(pl.when(pl.lit(pl.Series(shown))).then(pl.lit(index))).to_series()
    return page.select(pl.all().gather(pl.lit(index)))


def _numbered(prefix: str, numbers: Ints) -> pl.Series:
    text = pl.Series("id", numbers).cast(pl.String)
    return pl.select(pl.concat_str(pl.lit(f"{prefix}_"), text)).to_series()


def _ids(prefix: str, rows: int, salt: int) -> pl.Series:
    """Ten-digit ids in no order, so that they do not tell who came into the world later."""
    return _numbered(prefix, 10**10 + scrambled(np.arange(rows), 32, salt))


def _country_codes(rows: Ints) -> pl.Series:
    return words(rows, [country.code for country in COUNTRIES])


def _by_country(country: Ints, tables: Sequence[Sequence[str]], draw: Ints) -> pl.Series:
    """One entry of each row's own table, chosen by a draw of any size."""
    sizes = np.array([len(table) for table in tables])
    first = np.cumsum(sizes) - sizes
    return words(
        first[country] + draw % sizes[country], [entry for table in tables for entry in table]
    )


def _names(entities: Entities) -> pl.DataFrame:
    people = entities.people
    country, given, family = (people.column(name) for name in ("country", "given", "family"))
    givens, families = [n[0] for n in NAMES_OF], [n[1] for n in NAMES_OF]
    return pl.DataFrame(
        {
            "given": _by_country(country, givens, given),
            "family": _by_country(country, families, family),
            "given_slug": _by_country(country, [_slugs(names) for names in givens], given),
            "family_slug": _by_country(country, [_slugs(names) for names in families], family),
        }
    )


def _slugs(names: Sequence[str]) -> list[str]:
    plain = (unicodedata.normalize("NFKD", name).casefold() for name in names)
    return [_NOT_IN_EMAIL.sub("", name) for name in plain]


def _people(entities: Entities, names: pl.DataFrame) -> pl.DataFrame:
    people = entities.people
    country = people.column("country")
    number = pl.Series(scrambled(np.arange(len(people)), 20, 3)).cast(pl.String)
    domain = words(people.column("domain"), EMAIL_DOMAINS + DISPOSABLE_DOMAINS)
    nickname = words(people.column("given") % len(NICKNAMES), NICKNAMES)
    mark = words(people.column("style"), (".", "_", "", "-", "."))
    named = pl.concat_str("given_slug", pl.lit(mark), "family_slug", pl.lit(number))
    plain = pl.concat_str(pl.lit(nickname), pl.lit(mark), pl.lit(number))
    tells = pl.lit(pl.Series(people.column("style") < NAMED_STYLES))
    local = pl.when(tells).then(named).otherwise(plain)
    return names.select(
        pl.lit(_ids("cus", len(people), 1)).alias("customer"),
        pl.concat_str("given", pl.lit(" "), "family").alias("name"),
        pl.concat_str(local, pl.lit("@"), pl.lit(domain)).alias("email"),
        pl.lit(_phones(entities).gather(people.column("phone"))).alias("phone"),
        pl.lit(words(country, [c.currency for c in COUNTRIES])).alias("currency"),
        pl.lit(words(people.column("guest"), ("member", "guest"))).alias("metadata.CustomerType"),
    )


def _phones(entities: Entities) -> pl.Series:
    phones = entities.phones
    country = phones.column("country")
    starts = _by_country(country, [c.mobile for c in COUNTRIES], phones.column("prefix"))
    digits = np.array([c.subscriber for c in COUNTRIES])[country]
    subscriber = pl.Series("n", phones.column("subscriber") % 10**digits).cast(pl.String)
    padded = pl.select(pl.lit(subscriber).str.pad_start(pl.lit(pl.Series(digits)), "0")).to_series()
    return pl.select(pl.concat_str(pl.lit("+"), pl.lit(starts), pl.lit(padded))).to_series()


def _cards(entities: Entities, names: pl.DataFrame, addresses: pl.DataFrame) -> pl.DataFrame:
    cards = entities.cards
    issuer = cards.column("issuer")
    country, brand = np.divmod(issuer // ISSUERS_PER_BRAND, len(BRANDS))
    bins = [_bin(row) for row in range(len(COUNTRIES) * len(BRANDS) * ISSUERS_PER_BRAND)]
    holder = _gathered(names.select("given", "family"), cards.column("holder"))
    home = _gathered(addresses, cards.column("address"))
    card = pl.DataFrame(
        {
            "card_fingerprint": _ids("fp", len(cards), 2),
            "card_bin": words(issuer, bins),
            "card_brand": words(brand, [b.name for b in BRANDS]),
            "card_country": _country_codes(country),
            "card_funding": words(cards.column("funding"), FUNDING),
            "cardholder_name": holder.select(
                pl.concat_str("given", pl.lit(" "), "family")
            ).to_series(),
        }
    )
    return pl.concat([card, home.rename(lambda name: f"billing_address_{name}")], how="horizontal")


def _bin(issuer: int) -> str:
    """The invented first six digits of an issuer's cards."""
    kind, bank = divmod(issuer, ISSUERS_PER_BRAND)
    country, brand = divmod(kind, len(BRANDS))
    start = BRANDS[brand].start
    room = 6 - len(start)
    number = ((country * ISSUERS_PER_BRAND + bank) * 53 + 17) % 10**room
    return f"{start}{number:0{room}d}"


def _addresses(entities: Entities) -> pl.DataFrame:
    table = entities.addresses
    country, city = table.column("country"), table.column("city")
    cities = [[name for name, _ in c.cities] for c in COUNTRIES]
    postal = [[start for _, start in c.cities] for c in COUNTRIES]
    number = pl.Series(table.column("number")).cast(pl.String)
    code = pl.Series(table.column("postal")).cast(pl.String)
    street = words(table.column("street"), STREETS)
    return pl.select(
        pl.concat_str(pl.lit(number), pl.lit(" "), pl.lit(street)).alias("line1"),
        pl.lit(_by_country(country, cities, city)).alias("city"),
        pl.concat_str(
            pl.lit(_by_country(country, postal, city)), pl.lit(code).str.pad_start(2, "0")
        ).alias("postal_code"),
        pl.lit(_country_codes(country)).alias("country"),
    )


def _ips(entities: Entities) -> pl.DataFrame:
    ips = entities.ips
    number = ips.column("number")
    octets = [pl.Series((number >> shift) & 255).cast(pl.String) for shift in (24, 16, 8, 0)]
    return pl.DataFrame(
        {
            "ip_address": pl.select(
                pl.concat_str([pl.lit(octet) for octet in octets], separator=".")
            ).to_series(),
            "ip_country": _country_codes(ips.column("country")),
            "ip_address_connection_type": words(ips.column("connection"), CONNECTIONS),
            "is_anonymous_ip": ips.column("anonymous").astype(np.bool_),
        }
    )


def _devices(entities: Entities) -> pl.DataFrame:
    system = entities.devices.column("system")
    return pl.DataFrame(
        {
            "device": _ids("dev", len(entities.devices), 4),
            "operating_system": words(system, [s[0] for s in SYSTEMS]),
            "browser": words(system, [s[1] for s in SYSTEMS]),
        }
    )


def _merchants(entities: Entities) -> pl.DataFrame:
    segment = entities.merchants.column("segment")
    return pl.DataFrame(
        {
            "merchant": _ids("mer", len(segment), 6),
            "merchant_category": words(segment, [s.mcc for s in SEGMENTS]),
            "merchant_country": _country_codes(entities.merchants.column("country")),
            "metadata.segment": words(segment, [s.name for s in SEGMENTS]),
            "is_recurring": segment == SEGMENT_ROW["subscription"],
        }
    )


def truth(drafts: Drafts, stream: Stream, ids: pl.Series) -> pl.DataFrame:
    """What each event really is: for scoring a defence, never for building one."""
    kinds = [kind.name.lower() for kind in Kind]
    hard = [None, *(h.name.lower() for h in Hard if h)]
    campaign = pl.Series("campaign", drafts["campaign"].astype(np.int64))
    return pl.DataFrame(
        {
            "event": ids,
            "stream": pl.Series([stream.name.lower()]).new_from_index(0, len(drafts)),
            "is_fraud": drafts["kind"] != Kind.HONEST,
            "kind": words(drafts["kind"], kinds),
            "campaign": pl.select(pl.when(pl.lit(campaign) > 0).then(pl.lit(campaign))).to_series(),
            "hard_negative": words(drafts["hard"], hard),
        }
    )
