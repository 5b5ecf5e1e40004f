"""The exchange rates an operator brings, or the bundled ones."""

from sekisho.entrypoints.settings import PREFIX, Settings, SettingsError
from sekisho.events import ExchangeRates, indicative_rates, load_rates


def rates_of(settings: Settings) -> ExchangeRates:
    """The rates that settings name.

    Raises:
        SettingsError: the file cannot be read, or holds no rates.
    """
    path = settings.exchange_rates
    if path is None:
        return indicative_rates()
    try:
        return load_rates(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"{PREFIX}EXCHANGE_RATES: {path}: {reason}") from error
