"""Where the world's people live, their names, and who issues their cards: invented tables."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """One country of the world.

    `share` is its part of the customers, `per_usd` an indicative rate in major units, `digits` the
    decimals of its currency, `mobile` the starts of its mobile numbers (without plus) and
    `subscriber` how many digits follow them. Cities come with the start of their postal codes.
    """

    code: str
    share: float
    currency: str
    per_usd: float
    digits: int
    utc_offset_h: int
    mobile: tuple[str, ...]
    subscriber: int
    naming: str
    cities: tuple[tuple[str, str], ...]


COUNTRIES: tuple[Country, ...] = (
    Country(
        "US", 0.24, "usd", 1.0, 2, -6, ("14152", "12123", "13125", "12064"), 6, "western",
        (("Portland", "972"), ("Chicago", "606"), ("Austin", "787"), ("Newark", "071")),
    ),
    Country(
        "GB", 0.10, "gbp", 0.75, 2, 0, ("447400", "447500", "447890"), 6, "western",
        (("Leeds", "LS1 "), ("London", "E14 "), ("Cardiff", "CF10 ")),
    ),
    Country(
        "DE", 0.073, "eur", 0.86, 2, 1, ("49170", "49171", "49175"), 7, "german",
        (("Köln", "506"), ("Berlin", "101"), ("Leipzig", "041")),
    ),
    Country(
        "JP", 0.08, "jpy", 156.0, 0, 9, ("81901", "81802", "81703"), 7, "japanese",
        (("Osaka", "530-00"), ("Sendai", "980-00"), ("Tokyo", "150-00")),
    ),
    Country(
        "FR", 0.07, "eur", 0.86, 2, 1, ("3361", "3362", "3366"), 7, "latin",
        (("Lyon", "690"), ("Paris", "750"), ("Nantes", "440")),
    ),
    Country(
        "SG", 0.05, "sgd", 1.29, 2, 8, ("6591", "6581", "6597"), 6, "chinese",
        (("Singapore", "5403"), ("Singapore", "1289")),
    ),
    Country(
        "CA", 0.05, "cad", 1.37, 2, -5, ("14162", "16042", "15142"), 6, "western",
        (("Toronto", "M5V "), ("Halifax", "B3J ")),
    ),
    Country(
        "AU", 0.04, "aud", 1.49, 2, 10, ("6141", "6142", "6140"), 7, "western",
        (("Perth", "60"), ("Brisbane", "40")),
    ),
    Country(
        "BR", 0.04, "brl", 5.4, 2, -3, ("551196", "552198", "551197"), 7, "latin",
        (("Recife", "500"), ("Curitiba", "800")),
    ),
    Country(
        "IN", 0.04, "inr", 90.0, 2, 5, ("9198", "9199"), 8, "indian",
        (("Pune", "4110"), ("Kochi", "6820")),
    ),
    Country(
        "MX", 0.03, "mxn", 18.0, 2, -6, ("52551", "52552"), 7, "latin",
        (("Puebla", "720"), ("Toluca", "500")),
    ),
    Country(
        "ES", 0.02, "eur", 0.86, 2, 1, ("3461", "3462"), 7, "latin",
        (("Valencia", "460"), ("Bilbao", "480")),
    ),
    Country(
        "IT", 0.02, "eur", 0.86, 2, 1, ("39320", "39333", "39347"), 7, "latin",
        (("Torino", "101"), ("Bari", "701")),
    ),
    Country(
        "HK", 0.02, "hkd", 7.8, 2, 8, ("85291", "85261", "85265"), 6, "chinese",
        (("Kowloon", "HK0"),),
    ),
    Country(
        "ID", 0.02, "idr", 16600.0, 2, 7, ("62812", "62813"), 8, "indian",
        (("Bandung", "401"), ("Medan", "201")),
    ),
    Country(
        "NL", 0.015, "eur", 0.86, 2, 1, ("3161", "3162", "3164"), 7, "german",
        (("Utrecht", "351"), ("Delft", "261")),
    ),
    Country(
        "PL", 0.015, "pln", 3.6, 2, 1, ("48501", "48600", "48512"), 6, "german",
        (("Gdynia", "81-3"), ("Kraków", "30-0")),
    ),
    Country(
        "PH", 0.015, "php", 59.0, 2, 8, ("63917", "63905"), 7, "latin",
        (("Cebu", "60"), ("Davao", "80")),
    ),
    Country(
        "SE", 0.01, "sek", 9.2, 2, 1, ("4670", "4673", "4676"), 7, "german",
        (("Malmö", "211 "),),
    ),
    Country(
        "NG", 0.012, "usd", 1.0, 2, 1, ("234803", "234806", "234703"), 7, "african",
        (("Ibadan", "2002"), ("Lagos", "1001")),
    ),
    Country(
        "KE", 0.008, "usd", 1.0, 2, 3, ("25471", "25472"), 7, "african", (("Nakuru", "201"),)
    ),
    Country(
        "PK", 0.01, "usd", 1.0, 2, 5, ("92300", "92301", "92345"), 7, "indian",
        (("Lahore", "540"),),
    ),
    Country("LK", 0.006, "usd", 1.0, 2, 5, ("9471", "9477"), 7, "indian", (("Kandy", "200"),)),
    Country(
        "BD", 0.008, "usd", 1.0, 2, 6, ("880171", "880181"), 7, "indian", (("Khulna", "91"),)
    ),
    Country(
        "AZ", 0.004, "usd", 1.0, 2, 4, ("99450", "99455"), 7, "african", (("Ganja", "AZ20"),)
    ),
    Country(
        "TN", 0.004, "usd", 1.0, 2, 1, ("21620", "21652"), 6, "african", (("Sfax", "30"),)
    ),
)  # fmt: skip

COUNTRY_ROW = {country.code: row for row, country in enumerate(COUNTRIES)}

PUMPED = ("AZ", "BD", "TN", "LK", "PK", "NG", "ID")
"""Countries whose mobile ranges pay the most per received message: targets of SMS pumping."""

GIVEN_NAMES: dict[str, tuple[str, ...]] = {
    "western": (
        "Amelia",
        "Noah",
        "Grace",
        "Owen",
        "Ruby",
        "Ethan",
        "Hazel",
        "Liam",
        "Nora",
        "Jack",
    ),
    "german": (
        "Jürgen",
        "Anneke",
        "Lotte",
        "Sven",
        "Maja",
        "Piotr",
        "Greta",
        "Emil",
        "Ida",
        "Bram",
    ),
    "japanese": ("Haruto", "Yui", "Sota", "Aoi", "Ren", "Hina", "Kaito", "Mei", "Daiki", "Sakura"),
    "latin": (
        "José",
        "Lucía",
        "Mateo",
        "Inès",
        "Thiago",
        "Chiara",
        "Hugo",
        "Elena",
        "Paulo",
        "Zoé",
    ),
    "chinese": ("Wei Ling", "Jun Hao", "Mei Xuan", "Kai", "Xin Yi", "Zhi Ming", "Hui Min", "Yong"),
    "indian": (
        "Aarav",
        "Diya",
        "Rohan",
        "Meera",
        "Kabir",
        "Anika",
        "Budi",
        "Sari",
        "Imran",
        "Nadia",
    ),
    "african": (
        "Chidi",
        "Amina",
        "Kofi",
        "Zuri",
        "Tunde",
        "Wanjiru",
        "Emre",
        "Leyla",
        "Sami",
        "Aya",
    ),
}
FAMILY_NAMES: dict[str, tuple[str, ...]] = {
    "western": ("Harper", "Whitlock", "Bennett", "Marsh", "O'Dell", "Fairfax", "Doyle", "Reed"),
    "german": ("Müller", "van Dijk", "Lindqvist", "Nowak", "Brandt", "Østby", "Keller", "Vos"),
    "japanese": ("Tanabe", "Kuroda", "Ishii", "Morimoto", "Sugawara", "Hayami", "Ono", "Kitagawa"),
    "latin": ("Ferreira", "Delacroix", "Núñez", "Ricci", "Salgado", "Moreau", "Bianco", "Reyes"),
    "chinese": ("Tan", "Lim", "Chua", "Wong", "Goh", "Leung", "Ho", "Yeo"),
    "indian": ("Menon", "Kulkarni", "Perera", "Rahman", "Siregar", "Bhatt", "Qureshi", "Nair"),
    "african": (
        "Okafor",
        "Mwangi",
        "Balogun",
        "Aliyev",
        "Trabelsi",
        "Njoroge",
        "Adeyemi",
        "Ben Salah",
    ),
}
STREETS = (
    "Mill Lane",
    "Station Road",
    "Harbour Street",
    "Church Row",
    "Elm Avenue",
    "Market Square",
)

NICKNAMES = (
    "otter",
    "maple",
    "sunny",
    "nova",
    "pixel",
    "mochi",
    "rocket",
    "willow",
    "echo",
    "luna",
)
"""What people call themselves in addresses that do not tell their name."""

EMAIL_DOMAINS = (
    "example.com",
    "example.org",
    "example.net",
    "mail.example.com",
    "post.example.org",
    "home.example.net",
    "work.example.com",
)
"""Reserved domains: no address of the world can belong to anybody."""

DISPOSABLE_DOMAINS = ("mailinator.com", "guerrillamail.com", "yopmail.com", "trashmail.com")
"""Real throw-away providers, so that the receiver's own look-up recognises them."""


@dataclass(frozen=True, slots=True)
class Brand:
    """A card brand: first digits of its numbers, part of all cards, parts of debit and prepaid."""

    name: str
    start: str
    share: float
    debit: float
    prepaid: float


BRANDS: tuple[Brand, ...] = (
    Brand("visa", "4", 0.48, 0.50, 0.05),
    Brand("mc", "5", 0.33, 0.42, 0.06),
    Brand("amex", "37", 0.07, 0.0, 0.02),
    Brand("jcb", "35", 0.03, 0.05, 0.02),
    Brand("dscvr", "60", 0.03, 0.1, 0.05),
    Brand("cup", "62", 0.03, 0.6, 0.02),
    Brand("mallory", "99", 0.05, 0.15, 0.6),
)
MALLORY = 6
"""Row of the invented brand `mallory`, whose prepaid cards star in the scenario of that name."""

ISSUERS_PER_BRAND = 6

SYSTEMS: tuple[tuple[str, str], ...] = (
    ("iOS 18", "Mobile Safari 18"),
    ("iOS 17", "Mobile Safari 17"),
    ("Android 15", "Chrome Mobile 130"),
    ("Android 14", "Chrome Mobile 129"),
    ("Android 13", "Samsung Internet 25"),
    ("Windows 11", "Edge 130"),
    ("Windows 10", "Chrome 130"),
    ("macOS 15", "Safari 18"),
    ("Linux", "Firefox 131"),
)
PHONES_UNTIL = 5
"""The first systems are telephones, the rest computers."""

CONNECTIONS = ("cable/dsl", "cellular", "corporate")


@dataclass(frozen=True, slots=True)
class Segment:
    """What a merchant sells: category, part of all purchases, median price and spread, delivery."""

    name: str
    mcc: str
    share: float
    median_usd: float
    spread: float
    merchants: int
    is_shipped: bool


SEGMENTS: tuple[Segment, ...] = (
    Segment("stationery", "5943", 0.13, 18.0, 0.7, 12, is_shipped=True),
    Segment("groceries", "5411", 0.22, 38.0, 0.6, 16, is_shipped=True),
    Segment("fashion", "5651", 0.16, 62.0, 0.8, 14, is_shipped=True),
    Segment("electronics", "5732", 0.11, 140.0, 1.0, 10, is_shipped=True),
    Segment("gift_cards", "5947", 0.07, 45.0, 0.6, 4, is_shipped=False),
    Segment("games", "5816", 0.13, 12.0, 0.8, 8, is_shipped=False),
    Segment("travel", "4722", 0.06, 260.0, 0.9, 6, is_shipped=False),
    Segment("subscription", "5968", 0.12, 11.0, 0.4, 8, is_shipped=False),
)
SEGMENT_ROW = {segment.name: row for row, segment in enumerate(SEGMENTS)}

DECLINES = (
    "",
    "insufficient_funds",
    "do_not_honor",
    "incorrect_cvc",
    "expired_card",
    "lost_card",
    "stolen_card",
    "card_velocity_exceeded",
)
"""Issuer's reasons for a refusal; row 0 is an approval."""

WALLETS = ("none", "apple_pay", "android_pay")
PROMOTIONS = (None, "WELCOME", "SEASON")
LOGIN_RESULTS = ("success", "wrong_password", "unknown_account", "challenge_failed")
CHANGES = ("password", "email", "phone", "address")
CHANNELS = ("sms", "whatsapp", "email")
