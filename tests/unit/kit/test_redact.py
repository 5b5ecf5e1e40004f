"""Personal values in a free text are masked."""

from sekisho.kit.redact import mask_card, mask_email, mask_phone, redact


def test_every_kind_is_masked_in_one_text() -> None:
    text = "login.failed ann.lee@example.co.uk +6591234567 4242 4242 4242 4242 203.0.113.9"
    masked = redact(text)
    for secret in ("ann.lee", "91234567", "4242 4242", "113.9"):
        assert secret not in masked


def test_short_values_do_not_show_themselves() -> None:
    assert mask_email("a@b.c") == "a***@b.c"
    assert "12345" not in mask_phone("12345")
    assert mask_card("4242424242424242") == "424242******4242"


def test_text_without_personal_values_stays() -> None:
    text = "decision.recorded id=dec_0mhy4k2x version=1.2.3 took=45us"
    assert redact(text) == text
