{#- Ordered by everything, so that the order of the rows does not matter; rows equal in everything are alike. -#}
{% macro numbered_by_key(entity, keys) -%}
    select
        staged.*,
        row_number() over (partition by {{ keys | join(', ') }} order by {{ row_as_text('staged') }}) as copy_number
    from {{ staging(entity) }} as staged
{%- endmacro %}
