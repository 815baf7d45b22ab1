{#- Ids hold no comma, so between commas no id is part of another. -#}
{% macro is_rule_named(rule_id, rules_applied) -%}
    {{ dbt.position(
        dbt.concat(["','", rule_id, "','"]) | trim,
        dbt.concat(["','", rules_applied, "','"]) | trim
    ) }} > 0
{%- endmacro %}
