{#-
    The days an incremental run builds again: from look_back_days before the newest, or those of a back-fill.
    What lasts is in the window when any part of it is: `until` is then its beginning, and `column` its end.
-#}
{% macro in_window(column, settings=none, known_rows=none, known_as=none, until=none) -%}
    (
        {{ column }} >= {{ window_start(known_as or column, settings, known_rows) }}
        {%- if is_incremental() and var('backfill_to') is not none %}
        and {{ until or column }} < {{ add_days("cast('" ~ var('backfill_to') ~ "' as date)", 1) }}
        {%- endif %}
    )
{%- endmacro %}
