{#- Degrees rounded to the setting coordinate_decimals: 1 is about 11 km, 0 about 111 km. -#}
{% macro coarsen(degrees) -%}
    {%- set decimals = var('coordinate_decimals') -%}
    {%- if decimals not in [0, 1, 2, 3] -%}
        {{ exceptions.raise_compiler_error(
            "coordinate_decimals is " ~ decimals ~ " in dbt_project.yml or --vars. Use 0 (about 111 km), 1 (11 km),"
            ~ " 2 (1.1 km) or 3 (110 m)."
        ) }}
    {%- endif -%}
    round(cast({{ degrees }} as double), {{ decimals }})
{%- endmacro %}
