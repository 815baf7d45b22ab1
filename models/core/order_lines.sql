-- One row per accepted purchase line: one item in one order.
with

int_order_lines_checked as (
    select
        user_id,
        store_id,
        order_id,
        line_number,
        item_id,
        quantity,
        is_sold_by_measure,
        sales_amount,
        loyalty_discount_amount,
        coupon_discount_amount,
        coupon_match_discount_amount,
        week_start_date,
        ordered_at
    from {{ ref('int_order_lines_checked') }}
    where reason_code is null and not is_return
),

int_user_aliases as (
    select
        user_id,
        person_user_id
    from {{ ref('int_user_aliases') }}
),

-- Several users of one person are that person.
order_lines_of_persons as (
    select
        int_order_lines_checked.*,
        coalesce(int_user_aliases.person_user_id, int_order_lines_checked.user_id) as person_user_id
    from int_order_lines_checked
    left join int_user_aliases on int_order_lines_checked.user_id = int_user_aliases.user_id
),

order_lines_priced as (
    select
        {{ generate_surrogate_key(['order_id', 'item_id', 'line_number']) }} as order_line_id,
        order_id,
        person_user_id as user_id,
        item_id,
        store_id,
        quantity,
        case when is_sold_by_measure then 1 else quantity end as unit_count,
        cast(sales_amount + loyalty_discount_amount + coupon_match_discount_amount as decimal(18, 2)) as list_amount,
        loyalty_discount_amount,
        coupon_discount_amount,
        coupon_match_discount_amount,
        sales_amount,
        cast(sales_amount - coupon_discount_amount as decimal(18, 2)) as paid_amount,
        is_sold_by_measure as is_quantity_measured,
        week_start_date,
        ordered_at
    from order_lines_of_persons
)

select * from order_lines_priced
