SELECT
  "event",
  COALESCE(
    (
      "card_country" IN ('CA', 'US')
    )
    AND (
      NOT COALESCE("is_anonymous_ip", FALSE)
    ),
    FALSE
  ) AS rule_1,
  COALESCE(
    (
      "email" LIKE 'fraud!_%@example.com' ESCAPE '!'
    )
    OR (
      POSITION('.ru' IN "email_domain") > 0
    ),
    FALSE
  ) AS rule_2,
  COALESCE(
    (
      "::CustomerType::" = 'guest'
    )
    AND (
      CASE
        WHEN ABS(
          CASE
            WHEN "::age::" ~ '^[+-]?([0-9]{1,250}([.][0-9]{0,250})?|[.][0-9]{1,250})([eE][+-]?[0-9]{1,2})?$'
            THEN CAST("::age::" AS DOUBLE PRECISION)
          END
        ) <= CAST(1.7976931348623157e+308 AS DOUBLE PRECISION)
        THEN CASE
          WHEN "::age::" ~ '^[+-]?([0-9]{1,250}([.][0-9]{0,250})?|[.][0-9]{1,250})([eE][+-]?[0-9]{1,2})?$'
          THEN CAST("::age::" AS DOUBLE PRECISION)
        END
      END < CAST(30.0 AS DOUBLE PRECISION)
    ),
    FALSE
  ) AS rule_3,
  COALESCE(
    "amount_in_usd" > CASE
      WHEN ABS(
        (
          CAST(2.0 AS DOUBLE PRECISION) * "average_usd_amount_successful_on_customer_all_time"
        )
      ) <= CAST(1.7976931348623157e+308 AS DOUBLE PRECISION)
      THEN (
        CAST(2.0 AS DOUBLE PRECISION) * "average_usd_amount_successful_on_customer_all_time"
      )
    END,
    FALSE
  ) AS rule_4,
  COALESCE(
    (
      "ip_address" IN (
        SELECT
          "item"
        FROM list_items
        WHERE
          "alias" = 'trusted_ips'
      )
    )
    AND (
      "risk_score" <= CAST(64.5 AS DOUBLE PRECISION)
    ),
    FALSE
  ) AS rule_5,
  COALESCE(
    (
      NOT (
        "card_country" = "ip_country"
      )
    )
    AND (
      "hours_since_card_first_seen" IS NULL
    ),
    FALSE
  ) AS rule_6
FROM charges
