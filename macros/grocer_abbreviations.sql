{#- Pairs of (the grocer's spelling, plain words), where one reading is possible; longer ones first. -#}
{% macro grocer_abbreviations() -%}
    {{ return([
        ('drug gm', 'drugstore and general merchandise'), ('gm merch exp', 'general merchandise'),
        ('meat-pckgd', 'packaged meat'), ('seafood-pckgd', 'packaged seafood'),
        ('cntrl/store sup', 'store supplies'), ('charitable cont', 'charitable contributions'),
        ('prod-whs sales', 'produce warehouse sales'), ('elect &plumbing', 'electrical and plumbing'),
        ('beeralemalt liquors', 'beer, ale and malt liquors'),
        ('saucessalsapicantee', 'sauces, salsa, picante'),
        ('sald drsng/sndwch sprd', 'salad dressing/sandwich spread'), ('pnt btr', 'peanut butter'),
        ('fd wraps/bags/trsh bg', 'food wraps/bags/trash bags'), ('dry bn/veg', 'dry beans/vegetables'),
        ('snks/ckys/crkr/cndy', 'snacks/cookies/crackers/candy'),
        ('facial tiss/dnr', 'facial tissue/dinner'), ('bkd fd', 'baked food'), ('prep fd', 'prepared food'),
        ('party sply', 'party supplies'), ('pwdr/crystl drnk mx', 'powder/crystal drink mix'),
        ('vegetable/veg dsh', 'vegetables/vegetable dishes'), ('sngl srv', 'single serve'),
        ('mlt-pk', 'multi-pack'), ('wtr ice', 'water ice'), ('sw gds', 'sweet goods'),
        ('canned glass & mw', 'canned, glass and microwave'), ('brkfst/whlsm', 'breakfast/wholesome'),
        ('frzn', 'frozen'), ('frz', 'frozen'), ('refrgratd', 'refrigerated'), ('sft drnk', 'soft drink'),
        ('drnks', 'drinks'), ('drnk', 'drink'), ('drnkng', 'drinking'), ('btl', 'bottle'),
        ('carb', 'carbonated'), ('jce', 'juice'), ('conc', 'concentrate'), ('flvrd', 'flavored'),
        ('pkgd', 'packaged'), ('pkld', 'pickled'), ('dnrs', 'dinners'), ('dnr', 'dinner'), ('mxs', 'mixes'),
        ('cnd', 'canned'), ('mlk', 'milk'), ('chococlate', 'chocolate'), ('sweetners', 'sweeteners'),
        ('cleang', 'cleaning'), ('suppplies', 'supplies'), ('disposible', 'disposable'),
        ('memorablilia', 'memorabilia'), ('hygn', 'hygiene'), ('fem', 'feminine'),
        ('hbc', 'health and beauty care'), ('cntrl', 'control'), ('chix', 'chicken'), ('frd', 'fried'),
        ('catfd', 'cat food'), ('dogfd', 'dog food'), ('vac pac', 'vacuum packed'), ('prem', 'premium'),
        ('grnd', 'ground'), ('crmd', 'creamed'), ('mnrl', 'mineral'), ('pwdrs', 'powders'),
        ('pnch', 'punch'), ('elstc', 'elastic'), ('bndges', 'bandages'), ('prpck', 'prepacked'),
        ('whl', 'whole'), ('mfg', 'manufacturer'), ('misc', 'miscellaneous'), ('incl', 'including')
    ]) }}
{%- endmacro %}
