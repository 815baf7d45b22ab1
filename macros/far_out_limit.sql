{#-
    Above this a positive amount counts as extreme: the upper outer fence of its logarithm, third quartile plus three times
    the distance between the quartiles (Tukey, Exploratory Data Analysis, 1977). Null, no limit, where the quartiles are equal.
-#}
{% macro far_out_limit(column) -%}
    {%- set logarithm = 'case when ' ~ column ~ ' > 0 then ln(' ~ column ~ ') end' -%}
    {%- set first = 'percentile_cont(0.25) within group (order by ' ~ logarithm ~ ')' -%}
    {%- set third = 'percentile_cont(0.75) within group (order by ' ~ logarithm ~ ')' -%}
    case when {{ third }} > {{ first }} then exp({{ third }} + 3 * ({{ third }} - {{ first }})) end
{%- endmacro %}
