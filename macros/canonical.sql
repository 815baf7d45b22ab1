{#- An entity in the columns of the shop contract, or no row of it where the source has no such table. -#}
{% macro canonical() -%}
    {%- set entity = model.name | replace('stg_shop__', '') -%}
    {%- set source_model = 'stg_' ~ var('source') ~ '__' ~ entity -%}
    {%- set given = {} -%}
    {%- set relation = none -%}
    {%- if entity in shop_adapter().tables -%}
        {%- set relation = ref(source_model) -%}
        {%- if execute -%}
            {%- for column in adapter.get_columns_in_relation(relation) -%}
                {%- do given.update({column.name | lower: true}) -%}
            {%- endfor -%}
            {%- do check_canonical(entity, relation, given) if given -%}
        {%- endif -%}
    {%- endif -%}
    {%- set hashed = columns_hashed_before(source_model) -%}
    select
        {%- for column in model.columns.values() %}
        cast(
            {%- if column.name in given %} {{ at_the_door(column, hashed) }}
            {%- else %} {{ column.config.meta.get('default', 'null') }}
            {%- endif %} as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    {% if relation is not none %}
    from {{ relation }}
    {% else %}
    where 1 = 0
    {% endif %}
{%- endmacro %}

{#- What the contract's marks ask for; done here, for every source, so that no source can forget it. -#}
{% macro at_the_door(column, hashed) -%}
    {%- set meta = column.config.meta -%}
    {%- if meta.get('pseudonym') and column.name not in hashed -%}
        {{ pseudonym(column.name) }}
    {%- elif meta.get('masked') -%}
        {{ mask_personal(clean_text(column.name)) }}
    {%- elif meta.get('cleaned') -%}
        {{ clean_text(column.name) }}
    {%- elif meta.get('coarsened') -%}
        {{ coarsen(column.name) }}
    {%- else -%}
        {{ column.name }}
    {%- endif -%}
{%- endmacro %}

{#- A source that keeps ids in a table hashes them there and says so, because hashed twice no shop could find them. -#}
{% macro columns_hashed_before(source_model) -%}
    {%- set hashed = [] -%}
    {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ source_model) if execute -%}
    {%- for column in (node.columns if node else {}).values() if column.config.meta.get('pseudonymised') -%}
        {%- do hashed.append(column.name) -%}
    {%- endfor -%}
    {{ return(hashed) }}
{%- endmacro %}

{#- A column of another name is a mistake to be told, not a column to be left out in silence. -#}
{% macro check_canonical(entity, relation, given) -%}
    {%- set known = model.columns.keys() | list -%}
    {%- for name in given if name not in known -%}
        {{ exceptions.raise_compiler_error(
            relation ~ " has a column '" ~ name ~ "' that the shop contract does not know. Name it as one of "
            ~ known | join(', ') ~ "; see models/staging/shop/_shop__models.yml."
        ) }}
    {%- endfor -%}
    {%- for column in model.columns.values() if column.config.meta.get('required') and column.name not in given -%}
        {{ exceptions.raise_compiler_error(
            relation ~ " lacks the column '" ~ column.name ~ "' (" ~ column.description ~ "), which " ~ entity
            ~ " must have; see models/staging/shop/_shop__models.yml."
        ) }}
    {%- endfor -%}
{%- endmacro %}
