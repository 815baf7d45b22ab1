{#-
    What `make check-source` counts, written to source_check.measures: an operation, because views that hash ids can be
    read in dbt alone. It counts and places rows and never copies a value of theirs but the first and last time.
-#}
{% macro measure_source(entities) -%}
    {%- set schema = api.Relation.create(database=target.database, schema='source_check') -%}
    {%- do run_query('create schema if not exists ' ~ schema.without_identifier()) -%}
    {%- set queries = [] -%}
    {%- for entity in entities -%}
        {%- set rows = schema.incorporate(path={'identifier': entity}) -%}
        {%- do run_query('create or replace table ' ~ rows ~ ' as ' ~ placed_rows(entity)) -%}
        {%- set delivered = [] -%}
        {%- for column in adapter.get_columns_in_relation(ref('stg_' ~ var('source') ~ '__' ~ entity)) -%}
            {%- do delivered.append(column.name | lower) -%}
        {%- endfor -%}
        {%- do queries.append(measure(entity, 'rows', '', rows, 'true')) -%}
        {%- for column in adapter.get_columns_in_relation(rows) if column.name | lower in delivered -%}
            {%- do queries.append(measure(entity, 'nulls', column.name, rows, column.name ~ ' is null', column)) -%}
            {%- set parent = column.name | replace('_id', '') ~ 's' -%}
            {%- if column.name.endswith('_id') and parent in entities and parent != entity -%}
                {%- set listed = schema.incorporate(path={'identifier': parent}) -%}
                {%- set unmatched -%}
                    {{ column.name }} is not null and not exists (
                        select 1 from {{ listed }} as listed where listed.{{ column.name }} = {{ rows }}.{{ column.name }}
                    )
                {%- endset -%}
                {%- do queries.append(measure(entity, 'unmatched', column.name, rows, unmatched)) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if 'reject_reason' in delivered -%}
            {%- do queries.append(counted_reasons("'" ~ entity ~ "'", 'own_reason', 'reject_reason', rows)) -%}
        {%- endif -%}
        {%- set key = contract_key(entity) -%}
        {%- if key -%}
            {%- set copies = 'copy_of_key > 1' -%}
            {%- do queries.append(measure(entity, 'repeated_key', key | join(', '), rows, copies)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set rejected = load_relation(ref('rejected_rows')) -%}
    {%- if rejected is not none -%}
        {%- do queries.append(counted_reasons('table_name', 'rejected', 'reason_code', rejected)) -%}
    {%- endif -%}
    {%- set measures = schema.incorporate(path={'identifier': 'measures'}) -%}
    {%- do run_query('create or replace table ' ~ measures ~ ' as ' ~ queries | join(' union all ')) -%}
    {#- An operation ends without this. -#}
    {%- do adapter.commit() -%}
{%- endmacro %}

{#- The rows of an entity with their places and, where core knows a key, which copy of its key each is. -#}
{% macro placed_rows(entity) -%}
    {%- set key = contract_key(entity) -%}
    select
        placed.*
        {%- if key %},
        row_number() over (partition by {{ key | join(', ') }} order by place) as copy_of_key
        {%- endif %}
    from (
        select
            staged.*,
            row_number() over () as place
        from {{ staging(entity) }} as staged
    ) as placed
{%- endmacro %}

{#- One row of source_check.measures: how many rows meet a condition, the places of three, and the range of times. -#}
{% macro measure(entity, name, subject, rows, condition, column=none) -%}
    {%- set is_time = column is not none and ('time' in column.dtype | lower or column.dtype | lower == 'date') -%}
    select
        '{{ entity }}' as table_name,
        '{{ name }}' as measure_name,
        '{{ subject }}' as subject,
        count(*) as row_count,
        {% if name == 'rows' -%}
            cast(null as {{ dbt.type_string() }})
        {%- else -%}
            (
                select {{ dbt.listagg('cast(place as ' ~ dbt.type_string() ~ ')', "', '", 'order by place') }}
                from (select place from {{ rows }} where {{ condition }} order by place limit 3) as first_three
            )
        {%- endif %} as places,
        {% for edge in ('min', 'max') %}
            {%- if is_time -%}
                (select cast({{ edge }}({{ column.name }}) as {{ dbt.type_string() }}) from {{ rows }})
            {%- else -%}
                cast(null as {{ dbt.type_string() }})
            {%- endif %} as {{ 'first_time' if edge == 'min' else 'last_time' }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ rows }}
    where {{ condition }}
{%- endmacro %}

{#- One row of source_check.measures for each reason that a table gives. -#}
{% macro counted_reasons(table_name, name, reason, rows) -%}
    select
        {{ table_name }} as table_name,
        '{{ name }}' as measure_name,
        {{ reason }} as subject,
        count(*) as row_count,
        cast(null as {{ dbt.type_string() }}) as places,
        cast(null as {{ dbt.type_string() }}) as first_time,
        cast(null as {{ dbt.type_string() }}) as last_time
    from {{ rows }}
    where {{ reason }} is not null
    group by 1, 3
{%- endmacro %}

{#- What core must find once, where no rule of rejection_rules looks after it. -#}
{% macro contract_key(entity) -%}
    {%- set keys = {
        'order_lines': ['order_id', 'item_id', 'line_number', 'copy_number'],
        'events': ['event_key', 'copy_number'],
    } -%}
    {{ return(keys.get(entity)) }}
{%- endmacro %}
