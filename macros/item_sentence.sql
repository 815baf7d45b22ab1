{#- "Type, a kind of category, sold in the ... department under a ... brand in a size of ...", as far as known. -#}
{% macro item_sentence(department, category, item_type, package_size, brand) -%}
    {#- The category is news only where the type does not stand in for it already. -#}
    {{ dbt.concat([
        capitalise("coalesce(" ~ item_type ~ ", " ~ category ~ ", 'an undescribed item')"),
        "case when " ~ item_type ~ " is not null and " ~ category ~ " <> " ~ item_type ~ " then "
        ~ dbt.concat(["', a kind of '", category]) ~ " else '' end",
        "coalesce(" ~ dbt.concat(["', sold in the '", department, "' department'"]) ~ ", '')",
        "coalesce(" ~ dbt.concat(["' under a '", brand, "' brand'"]) ~ ", '')",
        "coalesce(" ~ dbt.concat(["' in a size of '", package_size]) ~ ", '')",
        "'.'"
    ]) }}
{%- endmacro %}
