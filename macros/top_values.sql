{#- A row per group with the values most of its rows have, the most frequent first; equals go by name. -#}
{% macro top_values(relation, keys, value, name, most, where='1 = 1') -%}
    select
        {{ keys | join(', ') }},
        {{ dbt.listagg(value, "', '", 'order by value_rank') }} as {{ name }}
    from (
        select
            {{ keys | join(', ') }},
            {{ value }},
            row_number() over (partition by {{ keys | join(', ') }} order by count(*) desc, {{ value }}) as value_rank
        from {{ relation }}
        where {{ value }} is not null and {{ where }}
        group by {{ keys | join(', ') }}, {{ value }}
    ) as values_ranked
    where value_rank <= {{ most }}
    group by {{ keys | join(', ') }}
{%- endmacro %}
