{#- With settings, a table that other settings made is rebuilt from its first day; so is an empty one. -#}
{% macro window_start(column, settings=none, known_rows=none) -%}
    {%- set beginning = "cast('0001-01-01' as date)" -%}
    {%- set newest_day = 'max(cast(' ~ column ~ ' as date))' -%}
    {%- set look_back = '(-' ~ var('look_back_days') ~ ')' -%}
    {%- set first_day = add_days(newest_day, look_back) -%}
    {%- if var('backfill_from') is not none -%}
        {%- set first_day = "case when count(*) > 0 then cast('" ~ var('backfill_from') ~ "' as date) end" -%}
    {%- endif -%}
    {%- if is_incremental() -%}
    coalesce((
        select
            {%- if settings is not none %}
            case
                when min(settings) = {{ settings }} and max(settings) = {{ settings }}
                    then {{ first_day }}
            end
            {%- else %}
            {{ first_day }}
            {%- endif %}
        from {{ this }}
        {%- if known_rows is not none %}
        where {{ known_rows }}
        {%- endif %}
    ), {{ beginning }})
    {%- else -%}
    {{ beginning }}
    {%- endif -%}
{%- endmacro %}
