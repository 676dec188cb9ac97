-- 200 segments in one query
WITH sold AS (
    SELECT order_id, customer_id, ordered_at, (total * 100)::BIGINT AS cents
    FROM '$folder/orders.parquet'
    WHERE status NOT IN ('returned', 'cancelled', 'canceled', 'refunded') AND ordered_at < TIMESTAMPTZ '2026-11-01 00:00:00+00'
), o AS (
    SELECT customer_id, count(*) AS orders, sum(cents)::BIGINT AS spend, max(ordered_at) AS last, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-10-02 00:00:00+00') AS orders_30, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-09-17 00:00:00+00') AS orders_45, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-09-02 00:00:00+00') AS orders_60, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-08-18 00:00:00+00') AS orders_75, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-08-03 00:00:00+00') AS orders_90, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-07-19 00:00:00+00') AS orders_105, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-07-04 00:00:00+00') AS orders_120, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-06-19 00:00:00+00') AS orders_135, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-06-04 00:00:00+00') AS orders_150, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-05-20 00:00:00+00') AS orders_165, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-05-05 00:00:00+00') AS orders_180, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-04-20 00:00:00+00') AS orders_195, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-04-05 00:00:00+00') AS orders_210, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-03-21 00:00:00+00') AS orders_225, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-03-06 00:00:00+00') AS orders_240, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-02-19 00:00:00+00') AS orders_255, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-02-04 00:00:00+00') AS orders_270, coalesce(sum(cents) FILTER (ordered_at >= TIMESTAMPTZ '2026-08-03 00:00:00+00'), 0) AS spend_90, min(ordered_at) AS first_at
    FROM sold GROUP BY customer_id
), l AS (
    SELECT customer_id, max(ordered_at) FILTER (category = 'category 0') AS bought_0, max(ordered_at) FILTER (category = 'category 1') AS bought_1, max(ordered_at) FILTER (category = 'category 2') AS bought_2, max(ordered_at) FILTER (category = 'category 3') AS bought_3, max(ordered_at) FILTER (category = 'category 4') AS bought_4, max(ordered_at) FILTER (category = 'category 5') AS bought_5, max(ordered_at) FILTER (category = 'category 6') AS bought_6, max(ordered_at) FILTER (category = 'category 7') AS bought_7, max(ordered_at) FILTER (category = 'category 8') AS bought_8, max(ordered_at) FILTER (category = 'category 9') AS bought_9, max(ordered_at) FILTER (category = 'category 10') AS bought_10, max(ordered_at) FILTER (category = 'category 11') AS bought_11, max(ordered_at) FILTER (category = 'category 12') AS bought_12, max(ordered_at) FILTER (category = 'category 13') AS bought_13, max(ordered_at) FILTER (category = 'category 14') AS bought_14, max(ordered_at) FILTER (category = 'category 15') AS bought_15, max(ordered_at) FILTER (category = 'category 16') AS bought_16, max(ordered_at) FILTER (category = 'category 17') AS bought_17, max(ordered_at) FILTER (category = 'category 18') AS bought_18, max(ordered_at) FILTER (category = 'category 19') AS bought_19
    FROM '$folder/order_lines.parquet'
    JOIN (SELECT order_id, customer_id, ordered_at FROM sold) USING (order_id)
    JOIN (SELECT product_id, category FROM '$folder/products.parquet' WHERE category IN ('category 0', 'category 1', 'category 2', 'category 3', 'category 4', 'category 5', 'category 6', 'category 7', 'category 8', 'category 9', 'category 10', 'category 11', 'category 12', 'category 13', 'category 14', 'category 15', 'category 16', 'category 17', 'category 18', 'category 19')) USING (product_id)
    GROUP BY customer_id
), w AS (
    SELECT customer_id, ordered_at, epoch(ordered_at)::BIGINT AS second, row_number() OVER history - 1 AS before,
        lag(epoch(ordered_at)::BIGINT) OVER history AS previous,
        first_value(epoch(ordered_at)::BIGINT) OVER history AS first,
        lag(epoch(ordered_at)::BIGINT, 4) OVER history AS fifth
    FROM sold WINDOW history AS (PARTITION BY customer_id ORDER BY ordered_at, order_id)
), h AS (
    SELECT customer_id, bool_or(second - fifth <= 365 * 86400) AS loyal,
        max(ordered_at) FILTER (second - previous > 3 * CASE
            WHEN before = 1 THEN 30 * 86400 ELSE greatest((previous - first) / (before - 1), 7 * 86400) END) AS back
    FROM w GROUP BY customer_id
), d AS (
    SELECT customer_id, day, day - lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap
    FROM (SELECT DISTINCT customer_id, epoch(ordered_at)::BIGINT // 86400 AS day FROM sold)
), g AS (
    SELECT customer_id, max(day) AS last_day, count(gap) AS gaps, median(gap) AS own FROM d GROUP BY customer_id
), f AS (
    SELECT * EXCLUDE (orders, spend, orders_30, orders_45, orders_60, orders_75, orders_90, orders_105, orders_120, orders_135, orders_150, orders_165, orders_180, orders_195, orders_210, orders_225, orders_240, orders_255, orders_270, spend_90), coalesce(orders, 0) AS orders, coalesce(spend, 0) AS spend, coalesce(orders_30, 0) AS orders_30, coalesce(orders_45, 0) AS orders_45, coalesce(orders_60, 0) AS orders_60, coalesce(orders_75, 0) AS orders_75, coalesce(orders_90, 0) AS orders_90, coalesce(orders_105, 0) AS orders_105, coalesce(orders_120, 0) AS orders_120, coalesce(orders_135, 0) AS orders_135, coalesce(orders_150, 0) AS orders_150, coalesce(orders_165, 0) AS orders_165, coalesce(orders_180, 0) AS orders_180, coalesce(orders_195, 0) AS orders_195, coalesce(orders_210, 0) AS orders_210, coalesce(orders_225, 0) AS orders_225, coalesce(orders_240, 0) AS orders_240, coalesce(orders_255, 0) AS orders_255, coalesce(orders_270, 0) AS orders_270, coalesce(spend_90, 0) AS spend_90,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(last)::BIGINT) // 86400 AS recency,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(created_at)::BIGINT) // 86400 AS tenure,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00') - epoch(last)) / 86400 AS silence,
        CASE WHEN orders = 1 THEN 30 ELSE greatest((epoch(last) - epoch(first_at)) / (orders - 1) / 86400, 7) END
            AS rhythm
    FROM '$folder/customers.parquet' LEFT JOIN o USING (customer_id) LEFT JOIN l USING (customer_id) LEFT JOIN h USING (customer_id) LEFT JOIN g USING (customer_id)
), a AS (
    SELECT *,
        CASE WHEN orders > 0 THEN 1 + (rank() OVER (PARTITION BY orders > 0 ORDER BY spend) - 1) * 5
            // count(*) OVER (PARTITION BY orders > 0) END AS rfm_money,
        CASE WHEN orders > 0 THEN 1 + (rank() OVER (PARTITION BY orders > 0 ORDER BY last) - 1) * 5
            // count(*) OVER (PARTITION BY orders > 0) END AS rfm_recency,
        CASE WHEN orders = 0 THEN 'prospect' WHEN loyal THEN 'loyal' WHEN orders = 1 THEN 'first_time' ELSE 'repeat' END
            AS level,
        CASE WHEN orders = 0 THEN NULL WHEN silence > 6 * rhythm THEN 'lost' WHEN silence > 3 * rhythm THEN 'lapsed'
            WHEN silence > 2 * rhythm THEN 'at_risk' WHEN back >= TIMESTAMPTZ '2026-08-03 00:00:00+00' THEN 'won_back' ELSE 'active' END
            AS status,
        DATE '1970-01-01' + (last_day
            + round((gaps * coalesce(own, 0) + 2 * (SELECT median(own) FROM g)) / (gaps + 2)))::INT AS next_due FROM f
)
SELECT customer_id,
    coalesce(orders >= 2 AND recency <= 30, false) AS s0,
    coalesce(spend >= 5000, false) AS s1,
    coalesce(coalesce(bought_0 >= TIMESTAMPTZ '2026-08-03 00:00:00+00', false), false) AS s2,
    coalesce(orders >= 1 AND NOT coalesce(bought_0 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s3,
    coalesce(orders_30 >= 2, false) AS s4,
    coalesce(spend // orders BETWEEN 1000 AND 3000, false) AS s5,
    coalesce(tier = 'gold' AND spend_90 >= 000, false) AS s6,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 0, false) AS s7,
    coalesce(tenure >= 0 AND orders_90 = 0, false) AS s8,
    coalesce((country = 'VN' OR coalesce(bought_7 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-10-02 00:00:00+00', false) AS s9,
    coalesce(level = 'first_time' AND status = 'active' AND spend >= 000, false) AS s10,
    coalesce(next_due = DATE '2026-11-01', false) AS s11,
    coalesce(orders >= 3 AND recency <= 40, false) AS s12,
    coalesce(spend >= 15000, false) AS s13,
    coalesce(coalesce(bought_1 >= TIMESTAMPTZ '2026-08-02 00:00:00+00', false), false) AS s14,
    coalesce(orders >= 1 AND NOT coalesce(bought_1 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s15,
    coalesce(orders_45 >= 2, false) AS s16,
    coalesce(spend // orders BETWEEN 1200 AND 3300, false) AS s17,
    coalesce(tier = 'gold' AND spend_90 >= 1000, false) AS s18,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 1, false) AS s19,
    coalesce(tenure >= 60 AND orders_90 = 0, false) AS s20,
    coalesce((country = 'VN' OR coalesce(bought_8 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-09-22 00:00:00+00', false) AS s21,
    coalesce(level = 'first_time' AND status = 'at_risk' AND spend >= 100, false) AS s22,
    coalesce(next_due = DATE '2026-11-02', false) AS s23,
    coalesce(orders >= 4 AND recency <= 50, false) AS s24,
    coalesce(spend >= 25000, false) AS s25,
    coalesce(coalesce(bought_2 >= TIMESTAMPTZ '2026-08-01 00:00:00+00', false), false) AS s26,
    coalesce(orders >= 1 AND NOT coalesce(bought_2 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s27,
    coalesce(orders_60 >= 2, false) AS s28,
    coalesce(spend // orders BETWEEN 1400 AND 3600, false) AS s29,
    coalesce(tier = 'gold' AND spend_90 >= 2000, false) AS s30,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 2, false) AS s31,
    coalesce(tenure >= 120 AND orders_90 = 0, false) AS s32,
    coalesce((country = 'VN' OR coalesce(bought_9 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-09-12 00:00:00+00', false) AS s33,
    coalesce(level = 'first_time' AND status = 'lapsed' AND spend >= 200, false) AS s34,
    coalesce(next_due = DATE '2026-11-03', false) AS s35,
    coalesce(orders >= 5 AND recency <= 60, false) AS s36,
    coalesce(spend >= 35000, false) AS s37,
    coalesce(coalesce(bought_3 >= TIMESTAMPTZ '2026-07-31 00:00:00+00', false), false) AS s38,
    coalesce(orders >= 1 AND NOT coalesce(bought_3 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s39,
    coalesce(orders_75 >= 2, false) AS s40,
    coalesce(spend // orders BETWEEN 1600 AND 3900, false) AS s41,
    coalesce(tier = 'gold' AND spend_90 >= 3000, false) AS s42,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 3, false) AS s43,
    coalesce(tenure >= 180 AND orders_90 = 0, false) AS s44,
    coalesce((country = 'VN' OR coalesce(bought_10 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-09-02 00:00:00+00', false) AS s45,
    coalesce(level = 'first_time' AND status = 'lost' AND spend >= 300, false) AS s46,
    coalesce(next_due = DATE '2026-11-04', false) AS s47,
    coalesce(orders >= 6 AND recency <= 70, false) AS s48,
    coalesce(spend >= 45000, false) AS s49,
    coalesce(coalesce(bought_4 >= TIMESTAMPTZ '2026-07-30 00:00:00+00', false), false) AS s50,
    coalesce(orders >= 1 AND NOT coalesce(bought_4 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s51,
    coalesce(orders_90 >= 2, false) AS s52,
    coalesce(spend // orders BETWEEN 1800 AND 4200, false) AS s53,
    coalesce(tier = 'gold' AND spend_90 >= 4000, false) AS s54,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 4, false) AS s55,
    coalesce(tenure >= 240 AND orders_90 = 0, false) AS s56,
    coalesce((country = 'VN' OR coalesce(bought_11 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-08-23 00:00:00+00', false) AS s57,
    coalesce(level = 'first_time' AND status = 'won_back' AND spend >= 400, false) AS s58,
    coalesce(next_due = DATE '2026-11-05', false) AS s59,
    coalesce(orders >= 7 AND recency <= 80, false) AS s60,
    coalesce(spend >= 55000, false) AS s61,
    coalesce(coalesce(bought_5 >= TIMESTAMPTZ '2026-07-29 00:00:00+00', false), false) AS s62,
    coalesce(orders >= 1 AND NOT coalesce(bought_5 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s63,
    coalesce(orders_105 >= 2, false) AS s64,
    coalesce(spend // orders BETWEEN 2000 AND 4500, false) AS s65,
    coalesce(tier = 'gold' AND spend_90 >= 5000, false) AS s66,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 5, false) AS s67,
    coalesce(tenure >= 300 AND orders_90 = 0, false) AS s68,
    coalesce((country = 'VN' OR coalesce(bought_12 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-08-13 00:00:00+00', false) AS s69,
    coalesce(level = 'repeat' AND status = 'active' AND spend >= 500, false) AS s70,
    coalesce(next_due = DATE '2026-11-06', false) AS s71,
    coalesce(orders >= 8 AND recency <= 90, false) AS s72,
    coalesce(spend >= 65000, false) AS s73,
    coalesce(coalesce(bought_6 >= TIMESTAMPTZ '2026-07-28 00:00:00+00', false), false) AS s74,
    coalesce(orders >= 1 AND NOT coalesce(bought_6 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s75,
    coalesce(orders_120 >= 2, false) AS s76,
    coalesce(spend // orders BETWEEN 2200 AND 4800, false) AS s77,
    coalesce(tier = 'gold' AND spend_90 >= 6000, false) AS s78,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 6, false) AS s79,
    coalesce(tenure >= 360 AND orders_90 = 0, false) AS s80,
    coalesce((country = 'VN' OR coalesce(bought_13 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-08-03 00:00:00+00', false) AS s81,
    coalesce(level = 'repeat' AND status = 'at_risk' AND spend >= 600, false) AS s82,
    coalesce(next_due = DATE '2026-11-07', false) AS s83,
    coalesce(orders >= 9 AND recency <= 100, false) AS s84,
    coalesce(spend >= 75000, false) AS s85,
    coalesce(coalesce(bought_7 >= TIMESTAMPTZ '2026-07-27 00:00:00+00', false), false) AS s86,
    coalesce(orders >= 1 AND NOT coalesce(bought_7 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s87,
    coalesce(orders_135 >= 2, false) AS s88,
    coalesce(spend // orders BETWEEN 2400 AND 5100, false) AS s89,
    coalesce(tier = 'gold' AND spend_90 >= 7000, false) AS s90,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 7, false) AS s91,
    coalesce(tenure >= 420 AND orders_90 = 0, false) AS s92,
    coalesce((country = 'VN' OR coalesce(bought_14 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-07-24 00:00:00+00', false) AS s93,
    coalesce(level = 'repeat' AND status = 'lapsed' AND spend >= 700, false) AS s94,
    coalesce(next_due = DATE '2026-11-08', false) AS s95,
    coalesce(orders >= 10 AND recency <= 110, false) AS s96,
    coalesce(spend >= 85000, false) AS s97,
    coalesce(coalesce(bought_8 >= TIMESTAMPTZ '2026-07-26 00:00:00+00', false), false) AS s98,
    coalesce(orders >= 1 AND NOT coalesce(bought_8 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s99,
    coalesce(orders_150 >= 2, false) AS s100,
    coalesce(spend // orders BETWEEN 2600 AND 5400, false) AS s101,
    coalesce(tier = 'gold' AND spend_90 >= 8000, false) AS s102,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 8, false) AS s103,
    coalesce(tenure >= 480 AND orders_90 = 0, false) AS s104,
    coalesce((country = 'VN' OR coalesce(bought_15 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-07-14 00:00:00+00', false) AS s105,
    coalesce(level = 'repeat' AND status = 'lost' AND spend >= 800, false) AS s106,
    coalesce(next_due = DATE '2026-11-09', false) AS s107,
    coalesce(orders >= 11 AND recency <= 120, false) AS s108,
    coalesce(spend >= 95000, false) AS s109,
    coalesce(coalesce(bought_9 >= TIMESTAMPTZ '2026-07-25 00:00:00+00', false), false) AS s110,
    coalesce(orders >= 1 AND NOT coalesce(bought_9 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s111,
    coalesce(orders_165 >= 2, false) AS s112,
    coalesce(spend // orders BETWEEN 2800 AND 5700, false) AS s113,
    coalesce(tier = 'gold' AND spend_90 >= 9000, false) AS s114,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 9, false) AS s115,
    coalesce(tenure >= 540 AND orders_90 = 0, false) AS s116,
    coalesce((country = 'VN' OR coalesce(bought_16 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-07-04 00:00:00+00', false) AS s117,
    coalesce(level = 'repeat' AND status = 'won_back' AND spend >= 900, false) AS s118,
    coalesce(next_due = DATE '2026-11-10', false) AS s119,
    coalesce(orders >= 12 AND recency <= 130, false) AS s120,
    coalesce(spend >= 105000, false) AS s121,
    coalesce(coalesce(bought_10 >= TIMESTAMPTZ '2026-07-24 00:00:00+00', false), false) AS s122,
    coalesce(orders >= 1 AND NOT coalesce(bought_10 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s123,
    coalesce(orders_180 >= 2, false) AS s124,
    coalesce(spend // orders BETWEEN 3000 AND 6000, false) AS s125,
    coalesce(tier = 'gold' AND spend_90 >= 10000, false) AS s126,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 10, false) AS s127,
    coalesce(tenure >= 600 AND orders_90 = 0, false) AS s128,
    coalesce((country = 'VN' OR coalesce(bought_17 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-06-24 00:00:00+00', false) AS s129,
    coalesce(level = 'loyal' AND status = 'active' AND spend >= 1000, false) AS s130,
    coalesce(next_due = DATE '2026-11-11', false) AS s131,
    coalesce(orders >= 13 AND recency <= 140, false) AS s132,
    coalesce(spend >= 115000, false) AS s133,
    coalesce(coalesce(bought_11 >= TIMESTAMPTZ '2026-07-23 00:00:00+00', false), false) AS s134,
    coalesce(orders >= 1 AND NOT coalesce(bought_11 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s135,
    coalesce(orders_195 >= 2, false) AS s136,
    coalesce(spend // orders BETWEEN 3200 AND 6300, false) AS s137,
    coalesce(tier = 'gold' AND spend_90 >= 11000, false) AS s138,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 11, false) AS s139,
    coalesce(tenure >= 660 AND orders_90 = 0, false) AS s140,
    coalesce((country = 'VN' OR coalesce(bought_18 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-06-14 00:00:00+00', false) AS s141,
    coalesce(level = 'loyal' AND status = 'at_risk' AND spend >= 1100, false) AS s142,
    coalesce(next_due = DATE '2026-11-12', false) AS s143,
    coalesce(orders >= 14 AND recency <= 150, false) AS s144,
    coalesce(spend >= 125000, false) AS s145,
    coalesce(coalesce(bought_12 >= TIMESTAMPTZ '2026-07-22 00:00:00+00', false), false) AS s146,
    coalesce(orders >= 1 AND NOT coalesce(bought_12 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s147,
    coalesce(orders_210 >= 2, false) AS s148,
    coalesce(spend // orders BETWEEN 3400 AND 6600, false) AS s149,
    coalesce(tier = 'gold' AND spend_90 >= 12000, false) AS s150,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 12, false) AS s151,
    coalesce(tenure >= 720 AND orders_90 = 0, false) AS s152,
    coalesce((country = 'VN' OR coalesce(bought_19 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-06-04 00:00:00+00', false) AS s153,
    coalesce(level = 'loyal' AND status = 'lapsed' AND spend >= 1200, false) AS s154,
    coalesce(next_due = DATE '2026-11-13', false) AS s155,
    coalesce(orders >= 15 AND recency <= 160, false) AS s156,
    coalesce(spend >= 135000, false) AS s157,
    coalesce(coalesce(bought_13 >= TIMESTAMPTZ '2026-07-21 00:00:00+00', false), false) AS s158,
    coalesce(orders >= 1 AND NOT coalesce(bought_13 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s159,
    coalesce(orders_225 >= 2, false) AS s160,
    coalesce(spend // orders BETWEEN 3600 AND 6900, false) AS s161,
    coalesce(tier = 'gold' AND spend_90 >= 13000, false) AS s162,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 13, false) AS s163,
    coalesce(tenure >= 780 AND orders_90 = 0, false) AS s164,
    coalesce((country = 'VN' OR coalesce(bought_0 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-05-25 00:00:00+00', false) AS s165,
    coalesce(level = 'loyal' AND status = 'lost' AND spend >= 1300, false) AS s166,
    coalesce(next_due = DATE '2026-11-14', false) AS s167,
    coalesce(orders >= 16 AND recency <= 170, false) AS s168,
    coalesce(spend >= 145000, false) AS s169,
    coalesce(coalesce(bought_14 >= TIMESTAMPTZ '2026-07-20 00:00:00+00', false), false) AS s170,
    coalesce(orders >= 1 AND NOT coalesce(bought_14 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s171,
    coalesce(orders_240 >= 2, false) AS s172,
    coalesce(spend // orders BETWEEN 3800 AND 7200, false) AS s173,
    coalesce(tier = 'gold' AND spend_90 >= 14000, false) AS s174,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 14, false) AS s175,
    coalesce(tenure >= 840 AND orders_90 = 0, false) AS s176,
    coalesce((country = 'VN' OR coalesce(bought_1 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-05-15 00:00:00+00', false) AS s177,
    coalesce(level = 'loyal' AND status = 'won_back' AND spend >= 1400, false) AS s178,
    coalesce(next_due = DATE '2026-11-15', false) AS s179,
    coalesce(orders >= 17 AND recency <= 180, false) AS s180,
    coalesce(spend >= 155000, false) AS s181,
    coalesce(coalesce(bought_15 >= TIMESTAMPTZ '2026-07-19 00:00:00+00', false), false) AS s182,
    coalesce(orders >= 1 AND NOT coalesce(bought_15 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s183,
    coalesce(orders_255 >= 2, false) AS s184,
    coalesce(spend // orders BETWEEN 4000 AND 7500, false) AS s185,
    coalesce(tier = 'gold' AND spend_90 >= 15000, false) AS s186,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 15, false) AS s187,
    coalesce(tenure >= 900 AND orders_90 = 0, false) AS s188,
    coalesce((country = 'VN' OR coalesce(bought_2 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-05-05 00:00:00+00', false) AS s189,
    coalesce(level = 'first_time' AND status = 'active' AND spend >= 1500, false) AS s190,
    coalesce(next_due = DATE '2026-11-16', false) AS s191,
    coalesce(orders >= 18 AND recency <= 190, false) AS s192,
    coalesce(spend >= 165000, false) AS s193,
    coalesce(coalesce(bought_16 >= TIMESTAMPTZ '2026-07-18 00:00:00+00', false), false) AS s194,
    coalesce(orders >= 1 AND NOT coalesce(bought_16 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false), false) AS s195,
    coalesce(orders_270 >= 2, false) AS s196,
    coalesce(spend // orders BETWEEN 4200 AND 7800, false) AS s197,
    coalesce(tier = 'gold' AND spend_90 >= 16000, false) AS s198,
    coalesce(rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 16, false) AS s199
FROM a
;

-- segment 0 alone
WITH sold AS (
    SELECT order_id, customer_id, ordered_at, (total * 100)::BIGINT AS cents
    FROM '$folder/orders.parquet'
    WHERE status NOT IN ('returned', 'cancelled', 'canceled', 'refunded') AND ordered_at < TIMESTAMPTZ '2026-11-01 00:00:00+00'
), o AS (
    SELECT customer_id, count(*) AS orders, sum(cents)::BIGINT AS spend, max(ordered_at) AS last
    FROM sold GROUP BY customer_id
), f AS (
    SELECT * EXCLUDE (orders, spend), coalesce(orders, 0) AS orders, coalesce(spend, 0) AS spend,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(last)::BIGINT) // 86400 AS recency,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(created_at)::BIGINT) // 86400 AS tenure
    FROM '$folder/customers.parquet' LEFT JOIN o USING (customer_id)
), a AS (
    SELECT * FROM f
)
SELECT customer_id FROM a WHERE orders >= 2 AND recency <= 30
;

-- segment 1 alone
WITH sold AS (
    SELECT order_id, customer_id, ordered_at, (total * 100)::BIGINT AS cents
    FROM '$folder/orders.parquet'
    WHERE status NOT IN ('returned', 'cancelled', 'canceled', 'refunded') AND ordered_at < TIMESTAMPTZ '2026-11-01 00:00:00+00'
), o AS (
    SELECT customer_id, count(*) AS orders, sum(cents)::BIGINT AS spend, max(ordered_at) AS last
    FROM sold GROUP BY customer_id
), f AS (
    SELECT * EXCLUDE (orders, spend), coalesce(orders, 0) AS orders, coalesce(spend, 0) AS spend,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(last)::BIGINT) // 86400 AS recency,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(created_at)::BIGINT) // 86400 AS tenure
    FROM '$folder/customers.parquet' LEFT JOIN o USING (customer_id)
), a AS (
    SELECT * FROM f
)
SELECT customer_id FROM a WHERE spend >= 5000
;

-- segment 2 alone
WITH sold AS (
    SELECT order_id, customer_id, ordered_at, (total * 100)::BIGINT AS cents
    FROM '$folder/orders.parquet'
    WHERE status NOT IN ('returned', 'cancelled', 'canceled', 'refunded') AND ordered_at < TIMESTAMPTZ '2026-11-01 00:00:00+00'
), o AS (
    SELECT customer_id, count(*) AS orders, sum(cents)::BIGINT AS spend, max(ordered_at) AS last
    FROM sold GROUP BY customer_id
), l AS (
    SELECT customer_id, max(ordered_at) FILTER (category = 'category 0') AS bought_0
    FROM '$folder/order_lines.parquet'
    JOIN (SELECT order_id, customer_id, ordered_at FROM sold) USING (order_id)
    JOIN (SELECT product_id, category FROM '$folder/products.parquet' WHERE category IN ('category 0')) USING (product_id)
    GROUP BY customer_id
), f AS (
    SELECT * EXCLUDE (orders, spend), coalesce(orders, 0) AS orders, coalesce(spend, 0) AS spend,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(last)::BIGINT) // 86400 AS recency,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(created_at)::BIGINT) // 86400 AS tenure
    FROM '$folder/customers.parquet' LEFT JOIN o USING (customer_id) LEFT JOIN l USING (customer_id)
), a AS (
    SELECT * FROM f
)
SELECT customer_id FROM a WHERE coalesce(bought_0 >= TIMESTAMPTZ '2026-08-03 00:00:00+00', false)
;

-- segment 3 alone
WITH sold AS (
    SELECT order_id, customer_id, ordered_at, (total * 100)::BIGINT AS cents
    FROM '$folder/orders.parquet'
    WHERE status NOT IN ('returned', 'cancelled', 'canceled', 'refunded') AND ordered_at < TIMESTAMPTZ '2026-11-01 00:00:00+00'
), o AS (
    SELECT customer_id, count(*) AS orders, sum(cents)::BIGINT AS spend, max(ordered_at) AS last
    FROM sold GROUP BY customer_id
), l AS (
    SELECT customer_id, max(ordered_at) FILTER (category = 'category 0') AS bought_0
    FROM '$folder/order_lines.parquet'
    JOIN (SELECT order_id, customer_id, ordered_at FROM sold) USING (order_id)
    JOIN (SELECT product_id, category FROM '$folder/products.parquet' WHERE category IN ('category 0')) USING (product_id)
    GROUP BY customer_id
), f AS (
    SELECT * EXCLUDE (orders, spend), coalesce(orders, 0) AS orders, coalesce(spend, 0) AS spend,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(last)::BIGINT) // 86400 AS recency,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(created_at)::BIGINT) // 86400 AS tenure
    FROM '$folder/customers.parquet' LEFT JOIN o USING (customer_id) LEFT JOIN l USING (customer_id)
), a AS (
    SELECT * FROM f
)
SELECT customer_id FROM a WHERE orders >= 1 AND NOT coalesce(bought_0 >= TIMESTAMPTZ '2025-11-01 00:00:00+00', false)
;

-- segment 4 alone
WITH sold AS (
    SELECT order_id, customer_id, ordered_at, (total * 100)::BIGINT AS cents
    FROM '$folder/orders.parquet'
    WHERE status NOT IN ('returned', 'cancelled', 'canceled', 'refunded') AND ordered_at < TIMESTAMPTZ '2026-11-01 00:00:00+00'
), o AS (
    SELECT customer_id, count(*) AS orders, sum(cents)::BIGINT AS spend, max(ordered_at) AS last, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-10-02 00:00:00+00') AS orders_30
    FROM sold GROUP BY customer_id
), f AS (
    SELECT * EXCLUDE (orders, spend, orders_30), coalesce(orders, 0) AS orders, coalesce(spend, 0) AS spend, coalesce(orders_30, 0) AS orders_30,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(last)::BIGINT) // 86400 AS recency,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(created_at)::BIGINT) // 86400 AS tenure
    FROM '$folder/customers.parquet' LEFT JOIN o USING (customer_id)
), a AS (
    SELECT * FROM f
)
SELECT customer_id FROM a WHERE orders_30 >= 2
;

-- segment 5 alone
WITH sold AS (
    SELECT order_id, customer_id, ordered_at, (total * 100)::BIGINT AS cents
    FROM '$folder/orders.parquet'
    WHERE status NOT IN ('returned', 'cancelled', 'canceled', 'refunded') AND ordered_at < TIMESTAMPTZ '2026-11-01 00:00:00+00'
), o AS (
    SELECT customer_id, count(*) AS orders, sum(cents)::BIGINT AS spend, max(ordered_at) AS last
    FROM sold GROUP BY customer_id
), f AS (
    SELECT * EXCLUDE (orders, spend), coalesce(orders, 0) AS orders, coalesce(spend, 0) AS spend,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(last)::BIGINT) // 86400 AS recency,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(created_at)::BIGINT) // 86400 AS tenure
    FROM '$folder/customers.parquet' LEFT JOIN o USING (customer_id)
), a AS (
    SELECT * FROM f
)
SELECT customer_id FROM a WHERE spend // orders BETWEEN 1000 AND 3000
;

-- segment 6 alone
WITH sold AS (
    SELECT order_id, customer_id, ordered_at, (total * 100)::BIGINT AS cents
    FROM '$folder/orders.parquet'
    WHERE status NOT IN ('returned', 'cancelled', 'canceled', 'refunded') AND ordered_at < TIMESTAMPTZ '2026-11-01 00:00:00+00'
), o AS (
    SELECT customer_id, count(*) AS orders, sum(cents)::BIGINT AS spend, max(ordered_at) AS last, coalesce(sum(cents) FILTER (ordered_at >= TIMESTAMPTZ '2026-08-03 00:00:00+00'), 0) AS spend_90
    FROM sold GROUP BY customer_id
), f AS (
    SELECT * EXCLUDE (orders, spend, spend_90), coalesce(orders, 0) AS orders, coalesce(spend, 0) AS spend, coalesce(spend_90, 0) AS spend_90,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(last)::BIGINT) // 86400 AS recency,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(created_at)::BIGINT) // 86400 AS tenure
    FROM '$folder/customers.parquet' LEFT JOIN o USING (customer_id)
), a AS (
    SELECT * FROM f
)
SELECT customer_id FROM a WHERE tier = 'gold' AND spend_90 >= 000
;

-- segment 7 alone
WITH sold AS (
    SELECT order_id, customer_id, ordered_at, (total * 100)::BIGINT AS cents
    FROM '$folder/orders.parquet'
    WHERE status NOT IN ('returned', 'cancelled', 'canceled', 'refunded') AND ordered_at < TIMESTAMPTZ '2026-11-01 00:00:00+00'
), o AS (
    SELECT customer_id, count(*) AS orders, sum(cents)::BIGINT AS spend, max(ordered_at) AS last
    FROM sold GROUP BY customer_id
), f AS (
    SELECT * EXCLUDE (orders, spend), coalesce(orders, 0) AS orders, coalesce(spend, 0) AS spend,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(last)::BIGINT) // 86400 AS recency,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(created_at)::BIGINT) // 86400 AS tenure
    FROM '$folder/customers.parquet' LEFT JOIN o USING (customer_id)
), a AS (
    SELECT *,
        CASE WHEN orders > 0 THEN 1 + (rank() OVER (PARTITION BY orders > 0 ORDER BY spend) - 1) * 5
            // count(*) OVER (PARTITION BY orders > 0) END AS rfm_money,
        CASE WHEN orders > 0 THEN 1 + (rank() OVER (PARTITION BY orders > 0 ORDER BY last) - 1) * 5
            // count(*) OVER (PARTITION BY orders > 0) END AS rfm_recency FROM f
)
SELECT customer_id FROM a WHERE rfm_money >= 4 AND rfm_recency <= 2 AND orders >= 0
;

-- segment 8 alone
WITH sold AS (
    SELECT order_id, customer_id, ordered_at, (total * 100)::BIGINT AS cents
    FROM '$folder/orders.parquet'
    WHERE status NOT IN ('returned', 'cancelled', 'canceled', 'refunded') AND ordered_at < TIMESTAMPTZ '2026-11-01 00:00:00+00'
), o AS (
    SELECT customer_id, count(*) AS orders, sum(cents)::BIGINT AS spend, max(ordered_at) AS last, count(*) FILTER (ordered_at >= TIMESTAMPTZ '2026-08-03 00:00:00+00') AS orders_90
    FROM sold GROUP BY customer_id
), f AS (
    SELECT * EXCLUDE (orders, spend, orders_90), coalesce(orders, 0) AS orders, coalesce(spend, 0) AS spend, coalesce(orders_90, 0) AS orders_90,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(last)::BIGINT) // 86400 AS recency,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(created_at)::BIGINT) // 86400 AS tenure
    FROM '$folder/customers.parquet' LEFT JOIN o USING (customer_id)
), a AS (
    SELECT * FROM f
)
SELECT customer_id FROM a WHERE tenure >= 0 AND orders_90 = 0
;

-- segment 9 alone
WITH sold AS (
    SELECT order_id, customer_id, ordered_at, (total * 100)::BIGINT AS cents
    FROM '$folder/orders.parquet'
    WHERE status NOT IN ('returned', 'cancelled', 'canceled', 'refunded') AND ordered_at < TIMESTAMPTZ '2026-11-01 00:00:00+00'
), o AS (
    SELECT customer_id, count(*) AS orders, sum(cents)::BIGINT AS spend, max(ordered_at) AS last
    FROM sold GROUP BY customer_id
), l AS (
    SELECT customer_id, max(ordered_at) FILTER (category = 'category 7') AS bought_7
    FROM '$folder/order_lines.parquet'
    JOIN (SELECT order_id, customer_id, ordered_at FROM sold) USING (order_id)
    JOIN (SELECT product_id, category FROM '$folder/products.parquet' WHERE category IN ('category 7')) USING (product_id)
    GROUP BY customer_id
), f AS (
    SELECT * EXCLUDE (orders, spend), coalesce(orders, 0) AS orders, coalesce(spend, 0) AS spend,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(last)::BIGINT) // 86400 AS recency,
        (epoch(TIMESTAMPTZ '2026-11-01 00:00:00+00')::BIGINT - epoch(created_at)::BIGINT) // 86400 AS tenure
    FROM '$folder/customers.parquet' LEFT JOIN o USING (customer_id) LEFT JOIN l USING (customer_id)
), a AS (
    SELECT * FROM f
)
SELECT customer_id FROM a WHERE (country = 'VN' OR coalesce(bought_7 >= TIMESTAMPTZ '2026-09-02 00:00:00+00', false)) AND last < TIMESTAMPTZ '2026-10-02 00:00:00+00'
;
