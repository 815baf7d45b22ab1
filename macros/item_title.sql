{#- "Category: type, size (private brand)"; the category is left out where the type repeats it. -#}
{% macro item_title(department, category, item_type, package_size, brand) -%}
    {%- set name -%}
        case
            when {{ category }} is null and {{ item_type }} is null
                then {{ dbt.concat(["'undescribed item of '", department]) }}
            when {{ item_type }} is null then {{ category }}
            when {{ category }} is null or {{ item_type }} like {{ dbt.concat([category, "'%'"]) }}
                then {{ item_type }}
            else {{ dbt.concat([category, "': '", item_type]) }}
        end
    {%- endset -%}
    {{ dbt.concat([
        capitalise(name),
        "coalesce(" ~ dbt.concat(["', '", package_size]) ~ ", '')",
        "case when " ~ brand ~ " = 'private' then ' (private brand)' else '' end"
    ]) }}
{%- endmacro %}
