{#- With settings, a table that other settings made is rebuilt from its first day; so is an empty one. -#}
{% macro window_start(column, settings=none) -%}
    {%- set beginning = "cast('0001-01-01' as date)" -%}
    {%- set newest_day = 'max(cast(' ~ column ~ ' as date))' -%}
    {%- set look_back = '(-' ~ var('look_back_days') ~ ')' -%}
    {%- if is_incremental() -%}
    coalesce((
        select
            {%- if settings is not none %}
            case
                when min(settings) = {{ settings }} and max(settings) = {{ settings }}
                    then {{ add_days(newest_day, look_back) }}
            end
            {%- else %}
            {{ add_days(newest_day, look_back) }}
            {%- endif %}
        from {{ this }}
    ), {{ beginning }})
    {%- else -%}
    {{ beginning }}
    {%- endif -%}
{%- endmacro %}
