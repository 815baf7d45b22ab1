{#- The words in front keep a user and a visitor of the same spelling apart. -#}
{% macro person_id(user_id, visitor_id) -%}
    case
        when {{ user_id }} is not null then {{ dbt.concat(["'user '", user_id]) }}
        else {{ dbt.concat(["'visitor '", visitor_id]) }}
    end
{%- endmacro %}
