-- auth_rate_charges
WITH attempts_facts AS (
  SELECT
    charge.id AS charge_id,
    COALESCE(charge.payment_intent, charge.id) AS intent_id,
    charge.outcome_type,
    charge.outcome_risk_level,
    charge.paid,
    COALESCE(fraud.is_there, 0) = 1 AS disputed,
    COALESCE(warned.is_there, 0) = 1 AS warned,
    COALESCE(given_back.is_there, 0) = 1 AS refunded,
    CAST(DATE_TRUNC('DAY', charge.created) AS DATE) AS period,
    COALESCE(NULLIF(breakdown.value, ''), 'none') AS segment
  FROM charges AS charge
  LEFT JOIN (
    SELECT DISTINCT
      charge_id,
      1 AS is_there
    FROM disputes
    WHERE
      reason = 'fraudulent'
  ) AS fraud
    ON fraud.charge_id = charge.id
  LEFT JOIN (
    SELECT DISTINCT
      charge_id,
      1 AS is_there
    FROM early_fraud_warnings
  ) AS warned
    ON warned.charge_id = charge.id
  LEFT JOIN (
    SELECT DISTINCT
      charge_id,
      1 AS is_there
    FROM refunds
    WHERE
      COALESCE(reason, '') <> 'partial_capture'
  ) AS given_back
    ON given_back.charge_id = charge.id
  LEFT JOIN charges_metadata AS breakdown
    ON breakdown.charge_id = charge.id AND breakdown.key = 'shelf'
), periods AS (
  SELECT DISTINCT
    period,
    segment
  FROM attempts_facts
), numerators AS (
  SELECT
    period,
    segment,
    SUM(amount) AS amount
  FROM (
    SELECT
      period,
      segment,
      COUNT(*) AS amount
    FROM attempts_facts
    WHERE
      outcome_type IN ('authorized', 'manual_review')
    GROUP BY
      period,
      segment
  ) AS counted
  GROUP BY
    period,
    segment
), denominators AS (
  SELECT
    period,
    segment,
    SUM(amount) AS amount
  FROM (
    SELECT
      period,
      segment,
      COUNT(*) AS amount
    FROM attempts_facts
    WHERE
      outcome_type IS NULL OR outcome_type <> 'blocked'
    GROUP BY
      period,
      segment
  ) AS counted
  GROUP BY
    period,
    segment
)
SELECT
  periods.period,
  periods.segment,
  COALESCE(numerators.amount, 0) AS numerator,
  COALESCE(denominators.amount, 0) AS denominator,
  CAST(1 AS DOUBLE) * CAST(COALESCE(numerators.amount, 0) AS DOUBLE) / CAST(NULLIF(COALESCE(denominators.amount, 0), 0) AS DOUBLE) AS value
FROM periods
LEFT JOIN numerators
  ON numerators.period = periods.period AND numerators.segment = periods.segment
LEFT JOIN denominators
  ON denominators.period = periods.period AND denominators.segment = periods.segment
WHERE
  periods.period >= CAST('2026-01-01' AS DATE)
  AND periods.period < CAST('2026-07-01' AS DATE)
ORDER BY
  periods.period NULLS FIRST,
  periods.segment NULLS FIRST;

-- dispute_percent_30d_rolling
WITH attempts_facts AS (
  SELECT
    charge.id AS charge_id,
    COALESCE(charge.payment_intent, charge.id) AS intent_id,
    charge.outcome_type,
    charge.outcome_risk_level,
    charge.paid,
    COALESCE(fraud.is_there, 0) = 1 AS disputed,
    COALESCE(warned.is_there, 0) = 1 AS warned,
    COALESCE(given_back.is_there, 0) = 1 AS refunded,
    CAST(DATE_TRUNC('DAY', charge.created) AS DATE) AS period,
    COALESCE(NULLIF(breakdown.value, ''), 'none') AS segment
  FROM charges AS charge
  LEFT JOIN (
    SELECT DISTINCT
      charge_id,
      1 AS is_there
    FROM disputes
    WHERE
      reason = 'fraudulent'
  ) AS fraud
    ON fraud.charge_id = charge.id
  LEFT JOIN (
    SELECT DISTINCT
      charge_id,
      1 AS is_there
    FROM early_fraud_warnings
  ) AS warned
    ON warned.charge_id = charge.id
  LEFT JOIN (
    SELECT DISTINCT
      charge_id,
      1 AS is_there
    FROM refunds
    WHERE
      COALESCE(reason, '') <> 'partial_capture'
  ) AS given_back
    ON given_back.charge_id = charge.id
  LEFT JOIN charges_metadata AS breakdown
    ON breakdown.charge_id = charge.id AND breakdown.key = 'shelf'
), periods AS (
  SELECT DISTINCT
    period,
    segment
  FROM attempts_facts
), digits AS (
  SELECT
    0 AS digit
  UNION ALL
  SELECT
    1 AS digit
  UNION ALL
  SELECT
    2 AS digit
  UNION ALL
  SELECT
    3 AS digit
  UNION ALL
  SELECT
    4 AS digit
  UNION ALL
  SELECT
    5 AS digit
  UNION ALL
  SELECT
    6 AS digit
  UNION ALL
  SELECT
    7 AS digit
  UNION ALL
  SELECT
    8 AS digit
  UNION ALL
  SELECT
    9 AS digit
), shifts AS (
  SELECT
    tens.digit * 10 + ones.digit AS shift
  FROM digits AS tens
  CROSS JOIN digits AS ones
  WHERE
    tens.digit * 10 + ones.digit < 30
), numerators AS (
  SELECT
    period,
    segment,
    SUM(amount) AS amount
  FROM (
    SELECT
      CAST(DATE_ADD('DAY', CAST(shift AS BIGINT), period) AS DATE) AS period,
      segment,
      amount
    FROM (
      SELECT
        period,
        segment,
        COUNT(DISTINCT intent_id) AS amount
      FROM attempts_facts
      WHERE
        disputed
      GROUP BY
        period,
        segment
    ) AS own
    CROSS JOIN shifts
  ) AS counted
  GROUP BY
    period,
    segment
), denominators AS (
  SELECT
    period,
    segment,
    SUM(amount) AS amount
  FROM (
    SELECT
      CAST(DATE_ADD('DAY', CAST(shift AS BIGINT), period) AS DATE) AS period,
      segment,
      amount
    FROM (
      SELECT
        period,
        segment,
        COUNT(DISTINCT intent_id) AS amount
      FROM attempts_facts
      WHERE
        paid
      GROUP BY
        period,
        segment
    ) AS own
    CROSS JOIN shifts
  ) AS counted
  GROUP BY
    period,
    segment
)
SELECT
  periods.period,
  periods.segment,
  COALESCE(numerators.amount, 0) AS numerator,
  COALESCE(denominators.amount, 0) AS denominator,
  CAST(100 AS DOUBLE) * CAST(COALESCE(numerators.amount, 0) AS DOUBLE) / CAST(NULLIF(COALESCE(denominators.amount, 0), 0) AS DOUBLE) AS value
FROM periods
LEFT JOIN numerators
  ON numerators.period = periods.period AND numerators.segment = periods.segment
LEFT JOIN denominators
  ON denominators.period = periods.period AND denominators.segment = periods.segment
WHERE
  periods.period >= CAST('2026-01-01' AS DATE)
  AND periods.period < CAST('2026-07-01' AS DATE)
ORDER BY
  periods.period NULLS FIRST,
  periods.segment NULLS FIRST;

-- fraud_volume_percent
WITH paid_in_usd_facts AS (
  SELECT
    charge.amount * fx.usd_per_minor_unit AS amount_usd,
    COALESCE(fraud.is_there, 0) = 1 AS disputed,
    CAST(DATE_TRUNC('DAY', charge.created) AS DATE) AS period,
    COALESCE(NULLIF(breakdown.value, ''), 'none') AS segment
  FROM charges AS charge
  JOIN fx_usd AS fx
    ON fx.currency = charge.currency AND fx.day = CAST(charge.created AS DATE)
  LEFT JOIN (
    SELECT DISTINCT
      charge_id,
      1 AS is_there
    FROM disputes
    WHERE
      reason = 'fraudulent'
  ) AS fraud
    ON fraud.charge_id = charge.id
  LEFT JOIN charges_metadata AS breakdown
    ON breakdown.charge_id = charge.id AND breakdown.key = 'shelf'
  WHERE
    charge.paid
), periods AS (
  SELECT DISTINCT
    period,
    segment
  FROM paid_in_usd_facts
), numerators AS (
  SELECT
    period,
    segment,
    SUM(amount) AS amount
  FROM (
    SELECT
      period,
      segment,
      SUM(amount_usd) AS amount
    FROM paid_in_usd_facts
    WHERE
      disputed
    GROUP BY
      period,
      segment
  ) AS counted
  GROUP BY
    period,
    segment
), denominators AS (
  SELECT
    period,
    segment,
    SUM(amount) AS amount
  FROM (
    SELECT
      period,
      segment,
      SUM(amount_usd) AS amount
    FROM paid_in_usd_facts
    GROUP BY
      period,
      segment
  ) AS counted
  GROUP BY
    period,
    segment
)
SELECT
  periods.period,
  periods.segment,
  COALESCE(numerators.amount, 0) AS numerator,
  COALESCE(denominators.amount, 0) AS denominator,
  CAST(100 AS DOUBLE) * CAST(COALESCE(numerators.amount, 0) AS DOUBLE) / CAST(NULLIF(COALESCE(denominators.amount, 0), 0) AS DOUBLE) AS value
FROM periods
LEFT JOIN numerators
  ON numerators.period = periods.period AND numerators.segment = periods.segment
LEFT JOIN denominators
  ON denominators.period = periods.period AND denominators.segment = periods.segment
WHERE
  periods.period >= CAST('2026-01-01' AS DATE)
  AND periods.period < CAST('2026-07-01' AS DATE)
ORDER BY
  periods.period NULLS FIRST,
  periods.segment NULLS FIRST;

-- mastercard_ratio_percent
WITH chargebacks_facts AS (
  SELECT
    dispute.id AS dispute_id,
    charge.card_brand,
    CAST(DATE_TRUNC('MONTH', dispute.created) AS DATE) AS period,
    COALESCE(NULLIF(breakdown.value, ''), 'none') AS segment
  FROM disputes AS dispute
  JOIN charges AS charge
    ON charge.id = dispute.charge_id
  LEFT JOIN charges_metadata AS breakdown
    ON breakdown.charge_id = charge.id AND breakdown.key = 'shelf'
  WHERE
    COALESCE(dispute.status, '') <> 'prevented'
    AND NOT COALESCE(dispute.network_details_visa_rapid_dispute_resolution, FALSE)
), sales_facts AS (
  SELECT
    charge.card_brand,
    charge.amount * fx.usd_per_minor_unit AS amount_usd,
    CAST(DATE_TRUNC('MONTH', charge.captured_at) AS DATE) AS period,
    COALESCE(NULLIF(breakdown.value, ''), 'none') AS segment
  FROM charges AS charge
  JOIN fx_usd AS fx
    ON fx.currency = charge.currency AND fx.day = CAST(charge.captured_at AS DATE)
  LEFT JOIN charges_metadata AS breakdown
    ON breakdown.charge_id = charge.id AND breakdown.key = 'shelf'
  WHERE
    charge.captured AND charge.paid
), periods AS (
  SELECT
    period,
    segment
  FROM chargebacks_facts
  UNION
  SELECT
    period,
    segment
  FROM sales_facts
), numerators AS (
  SELECT
    period,
    segment,
    SUM(amount) AS amount
  FROM (
    SELECT
      period,
      segment,
      COUNT(*) AS amount
    FROM chargebacks_facts
    WHERE
      card_brand = 'MasterCard'
    GROUP BY
      period,
      segment
  ) AS counted
  GROUP BY
    period,
    segment
), denominators AS (
  SELECT
    period,
    segment,
    SUM(amount) AS amount
  FROM (
    SELECT
      CAST(DATE_ADD('MONTH', 1, period) AS DATE) AS period,
      segment,
      amount
    FROM (
      SELECT
        period,
        segment,
        COUNT(*) AS amount
      FROM sales_facts
      WHERE
        card_brand = 'MasterCard'
      GROUP BY
        period,
        segment
    ) AS own
  ) AS counted
  GROUP BY
    period,
    segment
)
SELECT
  periods.period,
  periods.segment,
  COALESCE(numerators.amount, 0) AS numerator,
  COALESCE(denominators.amount, 0) AS denominator,
  CAST(100 AS DOUBLE) * CAST(COALESCE(numerators.amount, 0) AS DOUBLE) / CAST(NULLIF(COALESCE(denominators.amount, 0), 0) AS DOUBLE) AS value
FROM periods
LEFT JOIN numerators
  ON numerators.period = periods.period AND numerators.segment = periods.segment
LEFT JOIN denominators
  ON denominators.period = periods.period AND denominators.segment = periods.segment
WHERE
  periods.period >= CAST('2026-01-01' AS DATE)
  AND periods.period < CAST('2026-07-01' AS DATE)
ORDER BY
  periods.period NULLS FIRST,
  periods.segment NULLS FIRST;

-- nacha_unauthorised_percent
WITH returned_debits_facts AS (
  SELECT
    back.debit_id,
    UPPER(back.code) AS code,
    CAST(DATE_TRUNC('DAY', back.created) AS DATE) AS period,
    'all' AS segment
  FROM bank_returns AS back
  JOIN bank_debits AS debit
    ON debit.id = back.debit_id
), debits_facts AS (
  SELECT
    debit.id AS debit_id,
    CAST(DATE_TRUNC('DAY', debit.created) AS DATE) AS period,
    'all' AS segment
  FROM bank_debits AS debit
), periods AS (
  SELECT
    period,
    segment
  FROM returned_debits_facts
  UNION
  SELECT
    period,
    segment
  FROM debits_facts
), digits AS (
  SELECT
    0 AS digit
  UNION ALL
  SELECT
    1 AS digit
  UNION ALL
  SELECT
    2 AS digit
  UNION ALL
  SELECT
    3 AS digit
  UNION ALL
  SELECT
    4 AS digit
  UNION ALL
  SELECT
    5 AS digit
  UNION ALL
  SELECT
    6 AS digit
  UNION ALL
  SELECT
    7 AS digit
  UNION ALL
  SELECT
    8 AS digit
  UNION ALL
  SELECT
    9 AS digit
), shifts AS (
  SELECT
    tens.digit * 10 + ones.digit AS shift
  FROM digits AS tens
  CROSS JOIN digits AS ones
  WHERE
    tens.digit * 10 + ones.digit < 60
), numerators AS (
  SELECT
    period,
    segment,
    SUM(amount) AS amount
  FROM (
    SELECT
      CAST(DATE_ADD('DAY', CAST(shift AS BIGINT), period) AS DATE) AS period,
      segment,
      amount
    FROM (
      SELECT
        period,
        segment,
        COUNT(*) AS amount
      FROM returned_debits_facts
      WHERE
        code IN ('R05', 'R07', 'R10', 'R11', 'R29', 'R51')
      GROUP BY
        period,
        segment
    ) AS own
    CROSS JOIN shifts
  ) AS counted
  GROUP BY
    period,
    segment
), denominators AS (
  SELECT
    period,
    segment,
    SUM(amount) AS amount
  FROM (
    SELECT
      CAST(DATE_ADD('DAY', CAST(shift AS BIGINT), period) AS DATE) AS period,
      segment,
      amount
    FROM (
      SELECT
        period,
        segment,
        COUNT(*) AS amount
      FROM debits_facts
      GROUP BY
        period,
        segment
    ) AS own
    CROSS JOIN shifts
  ) AS counted
  GROUP BY
    period,
    segment
)
SELECT
  periods.period,
  periods.segment,
  COALESCE(numerators.amount, 0) AS numerator,
  COALESCE(denominators.amount, 0) AS denominator,
  CAST(100 AS DOUBLE) * CAST(COALESCE(numerators.amount, 0) AS DOUBLE) / CAST(NULLIF(COALESCE(denominators.amount, 0), 0) AS DOUBLE) AS value
FROM periods
LEFT JOIN numerators
  ON numerators.period = periods.period AND numerators.segment = periods.segment
LEFT JOIN denominators
  ON denominators.period = periods.period AND denominators.segment = periods.segment
ORDER BY
  periods.period NULLS FIRST,
  periods.segment NULLS FIRST;

-- visa_ratio_percent
WITH warnings_facts AS (
  SELECT
    warning.charge_id,
    charge.card_brand,
    CAST(DATE_TRUNC('MONTH', warning.created) AS DATE) AS period,
    COALESCE(NULLIF(breakdown.value, ''), 'none') AS segment
  FROM early_fraud_warnings AS warning
  JOIN charges AS charge
    ON charge.id = warning.charge_id
  LEFT JOIN charges_metadata AS breakdown
    ON breakdown.charge_id = charge.id AND breakdown.key = 'shelf'
), chargebacks_facts AS (
  SELECT
    dispute.id AS dispute_id,
    charge.card_brand,
    CAST(DATE_TRUNC('MONTH', dispute.created) AS DATE) AS period,
    COALESCE(NULLIF(breakdown.value, ''), 'none') AS segment
  FROM disputes AS dispute
  JOIN charges AS charge
    ON charge.id = dispute.charge_id
  LEFT JOIN charges_metadata AS breakdown
    ON breakdown.charge_id = charge.id AND breakdown.key = 'shelf'
  WHERE
    COALESCE(dispute.status, '') <> 'prevented'
    AND NOT COALESCE(dispute.network_details_visa_rapid_dispute_resolution, FALSE)
), sales_facts AS (
  SELECT
    charge.card_brand,
    charge.amount * fx.usd_per_minor_unit AS amount_usd,
    CAST(DATE_TRUNC('MONTH', charge.captured_at) AS DATE) AS period,
    COALESCE(NULLIF(breakdown.value, ''), 'none') AS segment
  FROM charges AS charge
  JOIN fx_usd AS fx
    ON fx.currency = charge.currency AND fx.day = CAST(charge.captured_at AS DATE)
  LEFT JOIN charges_metadata AS breakdown
    ON breakdown.charge_id = charge.id AND breakdown.key = 'shelf'
  WHERE
    charge.captured AND charge.paid
), periods AS (
  SELECT
    period,
    segment
  FROM warnings_facts
  UNION
  SELECT
    period,
    segment
  FROM chargebacks_facts
  UNION
  SELECT
    period,
    segment
  FROM sales_facts
), numerators AS (
  SELECT
    period,
    segment,
    SUM(amount) AS amount
  FROM (
    SELECT
      period,
      segment,
      COUNT(DISTINCT charge_id) AS amount
    FROM warnings_facts
    WHERE
      card_brand = 'Visa'
    GROUP BY
      period,
      segment
    UNION ALL
    SELECT
      period,
      segment,
      COUNT(*) AS amount
    FROM chargebacks_facts
    WHERE
      card_brand = 'Visa'
    GROUP BY
      period,
      segment
  ) AS counted
  GROUP BY
    period,
    segment
), denominators AS (
  SELECT
    period,
    segment,
    SUM(amount) AS amount
  FROM (
    SELECT
      period,
      segment,
      COUNT(*) AS amount
    FROM sales_facts
    WHERE
      card_brand = 'Visa'
    GROUP BY
      period,
      segment
  ) AS counted
  GROUP BY
    period,
    segment
)
SELECT
  periods.period,
  periods.segment,
  COALESCE(numerators.amount, 0) AS numerator,
  COALESCE(denominators.amount, 0) AS denominator,
  CAST(100 AS DOUBLE) * CAST(COALESCE(numerators.amount, 0) AS DOUBLE) / CAST(NULLIF(COALESCE(denominators.amount, 0), 0) AS DOUBLE) AS value
FROM periods
LEFT JOIN numerators
  ON numerators.period = periods.period AND numerators.segment = periods.segment
LEFT JOIN denominators
  ON denominators.period = periods.period AND denominators.segment = periods.segment
WHERE
  periods.period >= CAST('2026-01-01' AS DATE)
  AND periods.period < CAST('2026-07-01' AS DATE)
ORDER BY
  periods.period NULLS FIRST,
  periods.segment NULLS FIRST;
