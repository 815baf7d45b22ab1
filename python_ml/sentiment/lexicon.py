"""Words and phrases that tell what a clause is about, and phrases whose opinion is known.

Aspects are those of the simulator. Patterns are regular expressions of whole words where the script has
spaces; Chinese ones stand anywhere.
"""

ASPECTS = ("price", "quality", "delivery", "fit", "service", "packaging")

# English, Spanish and Portuguese: whole words, perhaps with an ending.
SPACED = {
    "price": (
        r"pric(?:e[sdy]?|ing|ier)", r"cost(?:s|ly|ed)?", r"expensive", r"over ?priced",
        r"cheap(?:er|est)?", r"bargains?", r"afford(?:able)?", r"money", r"discount(?:s|ed)?", r"worth",
        r"value", r"dollars?", r"precios?", r"car[oa]s?", r"barat[oa]s?", r"dinero", r"pre[çc]os?",
        r"dinheiro", r"custo",
    ),
    "quality": (
        r"quality", r"(?:well|poorly|cheaply|badly) made", r"made (?:well|poorly|cheaply)", r"flimsy",
        r"sturdy", r"solid", r"durab(?:le|ility)", r"br(?:oke|oken|eaks)", r"fell apart",
        r"defect(?:s|ive)?", r"faulty", r"materials?", r"fabrics?", r"workmanship", r"craftsmanship",
        r"stopped working", r"ripped", r"stitching", r"pilling", r"calidad", r"rot[oa]s?",
        r"defectuos[oa]s?", r"material(?:es)?", r"qualidade", r"quebr(?:ou|ad[oa]s?)", r"defeitos?",
        r"defeituos[oa]s?",
    ),
    "delivery": (
        r"deliver(?:y|ed|ies|s)?", r"shipp(?:ing|ed)", r"shipment", r"ship(?:s)?",
        r"arriv(?:e|ed|es|al)", r"couriers?", r"carrier", r"on time", r"late", r"tracking", r"no delay",
        r"delay(?:s|ed)?", r"env[ií]os?", r"lleg(?:ó|o|aron|ar)",
        r"entreg(?:a|as|ue|aron|ado|ada|ou|aram)", r"chegou", r"chegaram", r"prazo",
        r"atras(?:o|ou|ad[oa])", r"correios?", r"frete", r"retraso", r"receb(?:i|emos|er|ido)",
    ),
    "fit": (
        r"siz(?:e[sd]?|ing)", r"fit(?:s|ted|ting)?", r"too (?:small|big|large|tight|loose|long|short)",
        r"snug", r"runs? (?:small|large|big)", r"measurements?", r"true to size", r"baggy", r"petite",
        r"tallas?", r"tamaño", r"apretad[oa]s?", r"tamanhos?", r"apertad[oa]s?", r"medidas?", r"veste",
    ),
    "service": (
        r"service", r"support", r"staff", r"sellers?", r"customer care", r"repl(?:y|ied)",
        r"answer(?:s|ed)?", r"refund(?:s|ed)?", r"respon(?:d|ded|se)", r"helpful", r"rude",
        r"help(?:ed)?", r"servicio", r"vendedor(?:a|es)?", r"atenci[oó]n", r"atendimento", r"servi[çc]o",
        r"suporte", r"lojas?", r"reembolso",
    ),
    "packaging": (
        r"packag(?:e|es|ed|ing)", r"pack(?:ed|ing)", r"box(?:es|ed)?", r"wrapp(?:ed|ing)", r"torn bag",
        r"embalaje", r"empaque(?:tad[oa])?", r"cajas?", r"embalage(?:m|ns)", r"embalad[oa]s?",
        r"caixas?",
    ),
}  # fmt: skip
UNSPACED = {
    "price": (
        "价格", "价钱", "价位", "性价比", "便宜", "实惠", "划算", "太贵", "不贵", "很贵", "有点贵",
        "点都不贵", "不值", "物超所值", "优惠", "降价", "價格", "差价",
    ),
    "quality": (
        "质量", "品质", "做工", "材质", "面料", "手感", "坏了", "结实", "耐用", "粗糙", "掉色", "起球",
        "正品", "假货", "瑕疵", "质感", "品質", "質量", "新鲜",
    ),
    "delivery": (
        "物流", "快递", "送货", "发货", "配送", "到货", "送达", "送到", "收到货", "收到了", "晚了",
        "才到", "提前到", "耽误", "運送", "到貨",
    ),
    "fit": (
        "尺寸", "尺码", "大小", "合身", "码数", "偏大", "偏小", "太大", "太小", "不大也不小", "不合适",
        "很合适", "显胖", "紧身", "尺碼", "穿着合适", "大一号", "小一号",
    ),
    "service": (
        "客服", "服务", "售后", "态度", "卖家", "店家", "回复", "退款", "退货", "换货", "服務", "掌柜",
        "让我等",
    ),
    "packaging": (
        "包装", "盒子", "箱子", "包的", "袋子", "礼盒", "纸箱", "包裹得", "包裝",
    ),
}  # fmt: skip

# What a clause without such a word is compared to; "" is for clauses about none of them.
SEEDS = {
    "price": (
        "I paid way too much for it", "it is a steal", "you get a lot for what you pay", "好贵啊",
        "花这个钱很值", "muito caro pelo que oferece",
    ),
    "quality": (
        "it stopped working after a week", "it feels like plastic junk", "built to last",
        "用了几天就不能用了", "摸起来很舒服", "veio estragado",
    ),
    "delivery": (
        "I waited three weeks for it", "it came the next day", "still have not received it",
        "等了半个月", "第二天就到了", "ainda não recebi o produto",
    ),
    "fit": (
        "I had to go one up because it was snug", "it hangs on me like a tent", "穿上去刚刚好", "勒得慌",
        "ficou largo demais em mim",
    ),
    "service": (
        "nobody wrote me back", "they solved my problem at once", "没有人理我", "老板人很好",
        "não responderam minha mensagem",
    ),
    "packaging": (
        "it was badly wrapped and got scratched on the way", "it came in a beautiful gift wrap",
        "外面都压扁了", "包得很严实", "veio bem embrulhado",
    ),
    "": (
        "I bought it for my wife", "I love it", "I would recommend it to everyone",
        "it is what I expected", "the colour is nice", "this is my second one", "给妈妈买的", "很喜欢",
        "一般般吧", "下次还会来", "recomendo a todos", "gostei muito",
    ),
}  # fmt: skip

# For shops without ratings: short opinions that the simulator's grammar does not write, negation among them.
BAD = (
    "not good", "bad", "terrible", "awful", "horrible", "I hate it", "I do not like it",
    "don't buy this", "waste of money", "not recommended", "very disappointed", "does not work",
    "never again", "worst ever", "useless", "not happy", "isn't good", "wasn't good", "not great",
    "do not recommend", "disgusting", "broken", "poor", "不好", "很差", "太差了", "不喜欢", "差评",
    "垃圾", "不满意", "很失望", "不推荐", "一点都不好", "后悔买了", "难用", "骗人", "muito ruim",
    "péssimo", "não gostei", "não recomendo", "horrível", "decepcionado", "não presta", "não é bom",
    "muy malo", "pésimo", "no me gusta", "no lo recomiendo", "no es bueno", "😡", "👎", "😞", "💔", "😠",
    "🤮", "😭", "😤", ":(",
)  # fmt: skip
GOOD = (
    "good", "great", "excellent", "amazing", "perfect", "I love it", "I like it", "very happy",
    "highly recommended", "not bad", "not bad at all", "works well", "wonderful", "best ever", "awesome",
    "no complaints", "no problems", "nice", "beautiful", "I recommend it", "very good", "so good",
    "satisfied", "fantastic", "can't complain", "很好", "非常好", "不错", "喜欢", "很满意", "好评",
    "推荐", "太棒了", "挺好的", "没有问题", "非常喜欢", "好用", "值得购买", "还不错", "muito bom",
    "ótimo", "gostei", "recomendo", "excelente", "adorei", "perfeito", "nada a reclamar", "bom",
    "muy bueno", "me encanta", "lo recomiendo", "perfecto", "me gusta", "nada mal", "😍", "👍", "🎉",
    "😊", "❤️", "🥰", "😁", "💯", ":)",
)  # fmt: skip
