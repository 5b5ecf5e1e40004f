"""Small things every package may reach for: clock, ids, money, countries, redaction."""
