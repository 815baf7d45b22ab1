{#- All of the window goes, so that a row that is no longer there goes too; an older row goes when it comes again. -#}
{% macro get_incremental_replace_window_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set fresh = arg_dict['temp_relation'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set window = config.get('meta') -%}
    delete from {{ target }}
    where
        {{ in_window(window['window_column'], window.get('window_settings'), window.get('known_rows')) }}
        {%- if window.get('always') %}
        or {{ window['always'] }}
        {%- endif %}
        {%- if arg_dict['unique_key'] %}
        or {{ arg_dict['unique_key'] }} in (select {{ arg_dict['unique_key'] }} from {{ fresh }})
        {%- endif %};

    insert into {{ target }} ({{ columns }})
    select {{ columns }}
    from {{ fresh }}
{%- endmacro %}
