"""The words of the made-up shop: what it sells, where its users live, how they are called.

Every name of a person, street or brand is made of common parts and stands for nobody.
"""

from typing import NamedTuple


class Category(NamedTuple):
    """A middle group of the catalogue with its narrowest groups, in English and Chinese."""

    department: str
    name: str
    price: float  # typical price of one
    item_types: tuple[tuple[str, str], ...]


CATEGORIES = (
    Category("Home", "Kitchen", 28, (
        ("Frying pan", "平底锅"), ("Chef knife", "菜刀"), ("Tea set", "茶具"), ("Lunch box", "饭盒"),
        ("Rice cooker", "电饭煲"))),
    Category("Home", "Bedding", 45, (
        ("Pillow", "枕头"), ("Duvet", "被子"), ("Bed sheet", "床单"), ("Blanket", "毛毯"), ("Mattress pad", "床垫"))),
    Category("Home", "Decor", 22, (
        ("Table lamp", "台灯"), ("Wall clock", "挂钟"), ("Vase", "花瓶"), ("Picture frame", "相框"),
        ("Scented candle", "香薰蜡烛"))),
    Category("Fashion", "Women's clothing", 38, (
        ("Dress", "连衣裙"), ("Blouse", "女衬衫"), ("Skirt", "半身裙"), ("Cardigan", "开衫"), ("Coat", "大衣"))),
    Category("Fashion", "Men's clothing", 36, (
        ("Shirt", "男衬衫"), ("Jeans", "牛仔裤"), ("T-shirt", "T恤"), ("Jacket", "夹克"), ("Shorts", "短裤"))),
    Category("Fashion", "Shoes", 55, (
        ("Running shoes", "跑鞋"), ("Sandals", "凉鞋"), ("Leather boots", "皮靴"), ("Sneakers", "运动鞋"),
        ("Slippers", "拖鞋"))),
    Category("Electronics", "Phones and audio", 90, (
        ("Headphones", "耳机"), ("Phone case", "手机壳"), ("Power bank", "充电宝"), ("Bluetooth speaker", "蓝牙音箱"),
        ("Charging cable", "充电线"))),
    Category("Electronics", "Computers", 120, (
        ("Keyboard", "键盘"), ("Mouse", "鼠标"), ("Webcam", "摄像头"), ("Monitor stand", "显示器支架"),
        ("USB hub", "扩展坞"))),
    Category("Beauty", "Skin care", 30, (
        ("Face cream", "面霜"), ("Sunscreen", "防晒霜"), ("Cleanser", "洗面奶"), ("Sheet mask", "面膜"),
        ("Serum", "精华液"))),
    Category("Beauty", "Make-up", 24, (
        ("Lipstick", "口红"), ("Foundation", "粉底液"), ("Mascara", "睫毛膏"), ("Eye shadow", "眼影"),
        ("Make-up brush", "化妆刷"))),
    Category("Leisure", "Outdoor", 65, (
        ("Tent", "帐篷"), ("Backpack", "背包"), ("Water bottle", "水壶"), ("Camping chair", "露营椅"),
        ("Head torch", "头灯"))),
    Category("Leisure", "Toys", 26, (
        ("Building blocks", "积木"), ("Jigsaw puzzle", "拼图"), ("Plush bear", "毛绒熊"), ("Toy car", "玩具车"),
        ("Board game", "桌游"))),
)  # fmt: skip

STYLES = ("Classic", "Modern", "Playful", "Natural")
STYLE_WORDS = (
    ("timeless", "plain", "fine"), ("slim", "smart", "urban"), ("bright", "fun", "colourful"),
    ("organic", "soft", "earthy"),
)  # fmt: skip
BRAND_HEADS = ("Nor", "Lum", "Kes", "Tav", "Bel", "Ori", "Sen", "Mar", "Vel", "Dun", "Fay", "Hol")
BRAND_TAILS = ("vik", "ano", "tel", "ria", "mere", "qua")
PRIVATE_BRAND = "Everyday"

# Country, region, city, first digits of the postal code, degrees north and east of the city.
CITIES = (
    ("SG", "Central Region", "Singapore", "17", 1.290, 103.850),
    ("SG", "East Region", "Tampines", "52", 1.354, 103.944),
    ("SG", "West Region", "Jurong", "64", 1.334, 103.742),
    ("MY", "Kuala Lumpur", "Kuala Lumpur", "50", 3.139, 101.687),
    ("MY", "Penang", "George Town", "10", 5.414, 100.329),
    ("MY", "Johor", "Johor Bahru", "80", 1.493, 103.741),
    ("HK", "Hong Kong Island", "Central", "99", 22.282, 114.158),
    ("HK", "Kowloon", "Mong Kok", "99", 22.319, 114.169),
    ("TW", "Taipei", "Taipei", "10", 25.033, 121.565),
    ("TW", "Kaohsiung", "Kaohsiung", "80", 22.627, 120.301),
    ("GB", "England", "London", "SW", 51.507, -0.128),
    ("AU", "New South Wales", "Sydney", "20", -33.869, 151.209),
)
DISTRICTS_PER_CITY = 4

GIVEN_NAMES = (
    "Alice", "Ben", "Clara", "Daniel", "Emma", "Felix", "Grace", "Henry", "Iris", "Jack", "Karen", "Liam",
    "Mei", "Nora", "Owen", "Priya", "Rosa", "Sam", "Tina", "Victor", "Wei", "Xin", "Yan", "Zoe",
)  # fmt: skip
FAMILY_NAMES = (
    "Archer", "Brook", "Chan", "Dawson", "Evans", "Foster", "Goh", "Hughes", "Irwin", "Jones", "Kumar",
    "Lim", "Marsh", "Ng", "Osman", "Parker", "Quek", "Reed", "Stone", "Tan", "Upton", "Vale", "Wong", "Yeo",
)  # fmt: skip
CHINESE_FAMILY_NAMES = "王李张刘陈杨黄赵吴周"
CHINESE_GIVEN_NAMES = ("小明", "丽华", "建国", "美玲", "志强", "秀英", "文杰", "雅婷")
STREETS = ("Orchard Lane", "Harbour Road", "Mill Street", "Garden Walk", "Hill View", "Station Road")

CHANNELS = ("search", "direct", "mail", "social", "ads")
DEVICES = ("mobile", "desktop", "app", "tablet")
PAYMENTS = ("card", "wallet", "bank transfer", "cash on delivery")
ACQUISITION_CHANNELS = ("search", "friend", "social", "ads", "shop")
AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
INCOME_BANDS = ("Under 35K", "35-75K", "75-125K", "125K+")
HOUSEHOLD_SIZES = ("1", "2", "3", "4", "5+")
