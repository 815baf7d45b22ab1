{#- Dunning (1993), Accurate methods for the statistics of surprise and coincidence, for a table of two by two. -#}
{% macro log_likelihood_ratio(both, first, second, total) -%}
    {%- set neither = total ~ ' - ' ~ first ~ ' - ' ~ second ~ ' + ' ~ both -%}
    {%- set cells = [both, first ~ ' - ' ~ both, second ~ ' - ' ~ both, neither] -%}
    {%- set margins = [first, total ~ ' - ' ~ first, second, total ~ ' - ' ~ second] -%}
    2 * (
        0
        {%- for count in cells + [total] %}
        + case when {{ count }} > 0 then ({{ count }}) * ln({{ count }}) else 0 end
        {%- endfor %}
        {%- for count in margins %}
        - case when {{ count }} > 0 then ({{ count }}) * ln({{ count }}) else 0 end
        {%- endfor %}
    )
{%- endmacro %}
