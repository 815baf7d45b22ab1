{#- An entity of the shop contract with its row as JSON and the reason to reject it, by the rules for that entity. -#}
{% macro checked_rows(entity) -%}
    {%- set rules = rejection_rules(entity) -%}
    select
        rows_numbered.*,
        case
            {%- for column in rules.required %}
                when {{ column }} is null then '{{ 'missing_' ~ column | replace('_id', '') }}'
            {%- endfor %}
            when {{ 'copy_number > 1 or' if rules.has_copy_number }} copy_of_row > 1 then 'exact_duplicate'
            when copy_of_key > 1 then 'duplicate_key'
            {%- if rules.has_reject_reason %}
                when reject_reason is not null then reject_reason
            {%- endif %}
            {%- for reason, condition in rules.reasons.items() %}
                when {{ condition }} then '{{ reason }}'
            {%- endfor %}
        end as reason_code
    from (
        select
            rows_spelled.*,
            -- The first of a key by its whole content, so that the order of rows and files does not matter.
            row_number() over (partition by {{ rules.key | join(', ') }} order by payload) as copy_of_key,
            row_number() over (partition by payload order by {{ rules.key[0] }}) as copy_of_row
        from (
            select
                staged_rows.*,
                {{ row_json('staged_rows') }} as payload
            from {{ staging(entity) }} as staged_rows
        ) as rows_spelled
    ) as rows_numbered
{%- endmacro %}
