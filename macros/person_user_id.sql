{#- The user an event names comes first; only an event without one gets its visitor's. -#}
{% macro person_user_id(events, aliases, visitors) -%}
    case
        when {{ events }}.account_user_id is not null
            then coalesce({{ aliases }}.person_user_id, {{ events }}.account_user_id)
        else {{ visitors }}.person_user_id
    end
{%- endmacro %}
