{#- Codes of money and paper, as they stand in the data; everything else is goods, "PADS" included. -#}
{% macro online_retail_is_no_product(stock_code) -%}
    ({{ stock_code }} in (
        'POST', 'DOT', 'M', 'C2', 'D', 'S', 'B', 'BANK CHARGES', 'AMAZONFEE', 'CRUK', 'ADJUST', 'ADJUST2', 'TEST001',
        'TEST002'
    ))
{%- endmacro %}
