-- One row per returned line: goods of one item that came back, matched to the purchase they came from.
with

int_order_lines_checked as (
    select
        order_id,
        line_number,
        user_id,
        item_id,
        quantity,
        sales_amount,
        ordered_at
    from {{ ref('int_order_lines_checked') }}
    where reason_code is null and is_return
),

int_user_aliases as (
    select
        user_id,
        person_user_id
    from {{ ref('int_user_aliases') }}
),

order_lines as (
    select
        order_line_id,
        user_id,
        item_id,
        quantity,
        ordered_at
    from {{ ref('order_lines') }}
    where user_id is not null
),

returns_keyed as (
    select
        {{ generate_surrogate_key(['order_id', 'item_id', 'line_number']) }} as order_return_id,
        int_order_lines_checked.order_id as return_order_id,
        coalesce(int_user_aliases.person_user_id, int_order_lines_checked.user_id) as user_id,
        int_order_lines_checked.item_id,
        0 - int_order_lines_checked.quantity as quantity,
        cast(0 - int_order_lines_checked.sales_amount as decimal(18, 2)) as refund_amount,
        int_order_lines_checked.ordered_at as returned_at
    from int_order_lines_checked
    left join int_user_aliases on int_order_lines_checked.user_id = int_user_aliases.user_id
),

-- The latest purchase of the same user and item that was large enough; goods cannot come back before they went.
purchases_ranked as (
    select
        returns_keyed.order_return_id,
        order_lines.order_line_id,
        row_number() over (
            partition by returns_keyed.order_return_id
            order by order_lines.ordered_at desc, order_lines.order_line_id asc
        ) as place
    from returns_keyed
    inner join order_lines
        on
            returns_keyed.user_id = order_lines.user_id
            and returns_keyed.item_id = order_lines.item_id
            and returns_keyed.returned_at >= order_lines.ordered_at
            and returns_keyed.quantity <= order_lines.quantity
),

returns_matched as (
    select
        returns_keyed.order_return_id,
        returns_keyed.return_order_id,
        purchases_ranked.order_line_id,
        returns_keyed.user_id,
        returns_keyed.item_id,
        returns_keyed.quantity,
        returns_keyed.refund_amount,
        returns_keyed.returned_at
    from returns_keyed
    left join purchases_ranked
        on
            returns_keyed.order_return_id = purchases_ranked.order_return_id
            and purchases_ranked.place = 1
)

select * from returns_matched
