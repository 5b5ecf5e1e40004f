"""Country codes a rule may name, and the code behind a country's written-out name."""

_ASSIGNED = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
COUNTRY_CODES = frozenset(_ASSIGNED.split())
"""ISO 3166-1 alpha-2, officially assigned, and XK, which payments from Kosovo carry in practice."""

_NAMES = """
    AE United Arab Emirates, Emirates, UAE; AF Afghanistan; AL Albania; AM Armenia; AO Angola;
    AR Argentina; AT Austria; AU Australia; AZ Azerbaijan; BA Bosnia, Bosnia and Herzegovina;
    BD Bangladesh; BE Belgium; BF Burkina Faso; BG Bulgaria; BH Bahrain; BI Burundi; BJ Benin;
    BO Bolivia; BR Brazil, Brasil; BW Botswana; BY Belarus; CA Canada; CD DR Congo; CG Congo;
    CH Switzerland, Schweiz; CI Ivory Coast; CL Chile; CM Cameroon; CN China; CO Colombia;
    CR Costa Rica; CU Cuba; CY Cyprus; CZ Czechia, Czech Republic; DE Germany, Deutschland;
    DK Denmark; DO Dominican Republic; DZ Algeria; EC Ecuador; EE Estonia; EG Egypt; ER Eritrea;
    ES Spain, España; ET Ethiopia; FI Finland; FR France; GA Gabon; GE Georgia; GH Ghana;
    GB United Kingdom, UK, Great Britain, Britain, England; GM Gambia; GN Guinea; GR Greece;
    GT Guatemala; HK Hong Kong; HN Honduras; HR Croatia; HT Haiti; HU Hungary; ID Indonesia;
    IE Ireland; IL Israel; IN India; IQ Iraq; IR Iran; IS Iceland; IT Italy, Italia; JM Jamaica;
    JO Jordan; JP Japan; KE Kenya; KG Kyrgyzstan; KH Cambodia; XK Kosovo; KR South Korea, Korea;
    KP North Korea; KW Kuwait; KZ Kazakhstan; LA Laos; LB Lebanon; LI Liechtenstein; LK Sri Lanka;
    LR Liberia; LS Lesotho; LT Lithuania; LU Luxembourg; LV Latvia; LY Libya; MA Morocco; MC Monaco;
    MD Moldova; ME Montenegro; MG Madagascar; MK North Macedonia, Macedonia; ML Mali;
    MM Myanmar, Burma; MN Mongolia; MO Macao, Macau; MR Mauritania; MT Malta; MU Mauritius;
    MV Maldives; MW Malawi; MX Mexico; MY Malaysia; MZ Mozambique; NA Namibia; NE Niger; NG Nigeria;
    NI Nicaragua; NL Netherlands, The Netherlands, Holland; NO Norway; NP Nepal; NZ New Zealand;
    OM Oman; PA Panama; PE Peru; PG Papua New Guinea; PH Philippines; PK Pakistan; PL Poland;
    PR Puerto Rico; PS Palestine; PT Portugal; PY Paraguay; QA Qatar; RO Romania; RS Serbia;
    RU Russia, Russian Federation; RW Rwanda; SA Saudi Arabia; SD Sudan; SE Sweden; SG Singapore;
    SI Slovenia; SK Slovakia; SL Sierra Leone; SN Senegal; SO Somalia; SS South Sudan;
    SV El Salvador; SY Syria; TD Chad; TG Togo; TH Thailand; TJ Tajikistan; TM Turkmenistan;
    TN Tunisia; TR Turkey, Türkiye; TT Trinidad and Tobago; TW Taiwan; TZ Tanzania; UA Ukraine;
    UG Uganda; US United States, USA, United States of America, America, U.S., U.S.A.; UY Uruguay;
    UZ Uzbekistan; VA Vatican; VE Venezuela; VN Vietnam, Viet Nam; YE Yemen; ZA South Africa;
    ZM Zambia; ZW Zimbabwe;
    AU AUS; AT AUT; BE BEL; BR BRA; CA CAN; CH CHE; CN CHN; DE DEU; DK DNK; ES ESP; FI FIN; FR FRA;
    GB GBR; HK HKG; ID IDN; IE IRL; IN IND; IR IRN; IT ITA; JP JPN; KP PRK; KR KOR; MX MEX; MY MYS;
    NG NGA; NL NLD; NO NOR; NZ NZL; PH PHL; PL POL; PT PRT; RU RUS; SE SWE; SG SGP; SY SYR; TH THA;
    TR TUR; TW TWN; UA UKR; VN VNM; ZA ZAF
"""


def _by_name() -> dict[str, str]:
    table: dict[str, str] = {}
    for entry in _NAMES.split(";"):
        code, _, names = entry.strip().partition(" ")
        table.update(dict.fromkeys((name.strip().casefold() for name in names.split(",")), code))
    table.pop("", None)
    return table


_CODES = _by_name()


def code_of(name: str) -> str | None:
    """The two-letter code of a country written out in English, or by its usual short forms.

    >>> code_of("Canada"), code_of("uk"), code_of("Atlantis")
    ('CA', 'GB', None)
    """
    return _CODES.get(name.strip().casefold())
