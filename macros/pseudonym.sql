{#- HMAC-SHA-256 of an id under the shop's key, its first 128 bits in hexadecimal; null stays null. -#}
{% macro pseudonym(expression) -%}
    {{ return(adapter.dispatch('pseudonym', 'shoal')(expression)) }}
{%- endmacro %}

{#- An engine without its own spelling must stop here: there is no harmless way to leave ids as they are. -#}
{% macro default__pseudonym(expression) -%}
    {{ exceptions.raise_compiler_error(
        "Ids cannot be hashed on '" ~ target.type ~ "' yet. Write " ~ target.type ~ "__pseudonym in macros/pseudonym.sql:"
        ~ " HMAC-SHA-256 under the key, which must stand in no SQL text, cut to 32 hexadecimal digits."
    ) }}
{%- endmacro %}

{#- RFC 2104 in two plain hashes; the pads are session variables that dagster_defs/dbt_plugin.py sets. -#}
{% macro duckdb__pseudonym(expression) -%}
    left(
        sha256(
            {{ session_secret('shoal_outer_pad') }}
            || unhex(sha256({{ session_secret('shoal_inner_pad') }} || encode(cast({{ expression }} as varchar))))
        ),
        32
    )
{%- endmacro %}

{#- Without the cast an unset variable would be a null without a type, and every id null in silence. -#}
{% macro session_secret(name) -%}
    coalesce(
        cast(getvariable('{{ name }}') as blob),
        cast(error('this view hashes ids and works in dbt alone, which has the key; read a table instead') as blob)
    )
{%- endmacro %}
