SELECT
  `event`,
  COALESCE(
    (
      `card_country` IN ('CA', 'US')
    )
    AND (
      NOT COALESCE(`is_anonymous_ip`, FALSE)
    ),
    FALSE
  ) AS rule_1,
  COALESCE(
    (
      `email` LIKE 'fraud!_%@example.com' ESCAPE '!'
    )
    OR (
      LOCATE('.ru', `email_domain`) > 0
    ),
    FALSE
  ) AS rule_2,
  COALESCE(
    (
      `::CustomerType::` = 'guest'
    )
    AND (
      CASE
        WHEN ABS(
          CASE
            WHEN `::age::` RLIKE '^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?\\z'
            THEN CAST(`::age::` AS DOUBLE)
          END
        ) <= CAST(1.7976931348623157e+308 AS DOUBLE)
        THEN CASE
          WHEN `::age::` RLIKE '^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?\\z'
          THEN CAST(`::age::` AS DOUBLE)
        END
      END < CAST(30.0 AS DOUBLE)
    ),
    FALSE
  ) AS rule_3,
  COALESCE(
    `amount_in_usd` > CASE
      WHEN ABS((
        CAST(2.0 AS DOUBLE) * `average_usd_amount_successful_on_customer_all_time`
      )) <= CAST(1.7976931348623157e+308 AS DOUBLE)
      THEN (
        CAST(2.0 AS DOUBLE) * `average_usd_amount_successful_on_customer_all_time`
      )
    END,
    FALSE
  ) AS rule_4,
  COALESCE(
    (
      `ip_address` IN (
        SELECT
          `item`
        FROM list_items
        WHERE
          `alias` = 'trusted_ips'
      )
    )
    AND (
      `risk_score` <= CAST(64.5 AS DOUBLE)
    ),
    FALSE
  ) AS rule_5,
  COALESCE(
    (
      NOT (
        `card_country` = `ip_country`
      )
    )
    AND (
      `hours_since_card_first_seen` IS NULL
    ),
    FALSE
  ) AS rule_6
FROM charges
