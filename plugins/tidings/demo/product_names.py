"""Readable product names from the source's type codes, brand and package size."""

from __future__ import annotations

import re

TYPES = {
    "ADULT CEREAL": "Cereal for adults",
    "ALL FAMILY CEREAL": "Family cereal",
    "APPLES GALA (BULK&BAG)": "Gala apples",
    "APPLES GOLD DELICIOUS (BULK&BA": "Golden Delicious apples",
    "APPLES GRANNY SMITH (BULK&BAG)": "Granny Smith apples",
    "APPLES OTHER (BULK&BAG)": "Apples",
    "APPLES RED DELICIOUS (BULK&BAG": "Red Delicious apples",
    "ASEPTIC PACK JUICE AND DRINKS": "Juice boxes",
    "BABY FOOD - BEGINNER": "Baby food, first stage",
    "BABY FOOD JUNIOR ALL BRANDS": "Baby food, junior",
    "BAGGED CHEESE SNACKS": "Cheese snacks",
    "BEANS GREEN: FS/WHL/CUT": "Green beans",
    "BREAD:ITALIAN/FRENCH": "Italian or French bread",
    "BREAST - BONELESS(IQF)": "Chicken breast, boneless, frozen",
    "BUTTER SPRAY CRACKER (RITZ/CLU": "Butter crackers",
    "CAN CATFD GOURMET/SUP PREM (GR": "Gourmet cat food",
    "CANDY BAGS-CHOCOCLATE": "Chocolate candy",
    "CANDY BAGS-NON CHOCOLATE": "Fruit candy",
    "CANDY BARS (MULTI PACK)": "Candy bars, multi pack",
    "CANDY BARS (SINGLES)(INCLUDING": "Candy bar",
    "CANISTER POTATO/TORT CHIPS": "Potato chips in a can",
    "CANNED MILK": "Canned milk",
    "CARDS EVERYDAY": "Greeting card",
    "CARDS SEASONAL": "Seasonal card",
    "CARROTS MINI PEELED": "Baby carrots",
    "CATSUP": "Ketchup",
    "CHEESE CRACKERS (CHEEZ-ITS/GOL": "Cheese crackers",
    "CHEESE: NATURAL BULK": "Sliced natural cheese",
    "CHEESE: PROCESSED BULK": "Sliced processed cheese",
    "CHIX: ROTISSERIE (HOT)": "Rotisserie chicken, hot",
    "CHIX:FRD 8PC/CUT UP (HOT)": "Fried chicken, hot",
    "COOKIES: REGULAR": "Bakery cookies",
    "CRACKERS/MISC BKD FD": "Crackers",
    "DAIRY CASE 100% PURE JUICE - O": "Orange juice, chilled",
    "DAIRY CASE 100% PURE JUICE OTH": "Fruit juice, chilled",
    "DAIRY CASE CITRUS PNCH/OJ SUBS": "Citrus punch, chilled",
    "DAIRY CASE FRUIT DRINKS (NO JU": "Fruit drink, chilled",
    "DAIRY CASE JUICE DRNK UNDER 10": "Juice drink, chilled",
    "DAIRY CASE TEA WITH SUGAR OR S": "Sweet tea, chilled",
    "DIPS (NON-REFRIGERATED)": "Dip",
    "EGGS - LARGE": "Eggs, large",
    "EGGS - MEDIUM": "Eggs, medium",
    "EGGS - X-LARGE": "Eggs, extra large",
    "FACIAL TISSUE & PAPER HANDKE": "Facial tissues",
    "FD WRAPS/BAGS/TRSH BG": "Food wrap",
    "FLUID MILK WHITE ONLY": "White milk",
    "FRZN BAGGED VEGETABLES - PLAIN": "Frozen vegetables",
    "FRZN BAGGED VEGETABLES- VALUE": "Frozen vegetables with sauce",
    "FRZN BOXED VEGETABLES- VALUE A": "Frozen vegetables with sauce, boxed",
    "FRZN BREADED PREPARED CHICK": "Frozen breaded chicken",
    "FRZN BREAKFAST ENTREES/SANDWIC": "Frozen breakfast sandwiches",
    "FRZN GARLIC BREAD/TOAST/STICKS": "Frozen garlic bread",
    "FRZN MULTI SERVE ENTREES ALL": "Frozen family meal",
    "FRZN SS PREMIUM ENTREES/DNRS/N": "Frozen premium dinner",
    "FRZN SS PREMIUM ENTREES/DNRS/T": "Frozen premium meal",
    "FRZN TATER TOTS/OTHER EXTRUDED": "Tater tots",
    "GARBAGE KITCHEN COMPACTOR BA": "Kitchen garbage bags",
    "GRAPES RED": "Red grapes",
    "GRAPES WHITE": "White grapes",
    "GRND/PATTY - FROZEN": "Frozen patties",
    "INSTORE CUT FRUIT": "Cut fruit",
    "ISOTONIC DRINKS MULTI-SERVE": "Sports drink, large",
    "ISOTONIC DRINKS SINGLE SERVE": "Sports drink",
    "IWS SINGLE CHEESE": "Cheese slices, wrapped",
    "KIDS CEREAL": "Cereal for children",
    "LIQUID LAUNDRY DETERGENTS": "Liquid laundry detergent",
    "LUNCH COMBO": "Lunch kit",
    "MAINSTREAM WHEAT/MULTIGRAIN BR": "Wheat bread",
    "MAINSTREAM WHITE BREAD": "White bread",
    "MALTED MLK/SYRUP/PWDRS (EGGNOG": "Chocolate syrup and malt",
    "MARGARINE  STICK": "Margarine sticks",
    "MARGARINE: TUBS AND BOWLS": "Margarine tub",
    "MEAT: BEEF BULK": "Sliced roast beef",
    "MEAT: LUNCHMEAT BULK": "Sliced lunch meat",
    "MEAT: SAUS DRY BULK": "Sliced salami",
    "MEAT: TURKEY BULK": "Sliced turkey",
    "MEAT:HAM BULK": "Sliced ham",
    "MEXICAN SAUCESSALSAPICANTEE": "Salsa",
    "MEXICAN TACO TOSTADO SHELLS": "Taco shells",
    "MISC MEAT SAUCES": "Meat sauce",
    "MIXED FRUIT BAGS": "Mixed fruit",
    "NATURAL CHEESE EXACT WT CHUNKS": "Natural cheese, block",
    "NATURAL CHEESE EXACT WT SLICES": "Natural cheese, sliced",
    "NON DAIRY CREAMER: DRY": "Coffee creamer, powder",
    "NON-CARB FLVRD DRNKNG/MNRL WAT": "Flavored water",
    "NON-CARB WATER FLVR - DRNK/MNR": "Flavored water",
    "NON-CRBNTD DRNKING/MNERAL WATE": "Drinking water",
    "ONIONS OTHER": "Onions",
    "ONIONS RED (BULK&BAG)": "Red onions",
    "ONIONS SWEET (BULK&BAG)": "Sweet onions",
    "ONIONS WHITE (BULK&BAG)": "White onions",
    "ONIONS YELLOW (BULK&BAG)": "Yellow onions",
    "ORANGES NAVELS ALL": "Navel oranges",
    "PAPER TOWELS & HOLDERS": "Paper towels",
    "PEPPERS GREEN BELL": "Green bell peppers",
    "PEPPERS RED BELL": "Red bell peppers",
    "PIZZA/ECONOMY": "Frozen pizza, economy",
    "PIZZA/PREMIUM": "Frozen pizza, premium",
    "PIZZA/TRADITIONAL": "Frozen pizza",
    "PLSTC CTLRYTBLCLTHSTTHPKSST": "Plastic cutlery and tablecloths",
    "POTATOES RED (BULK&BAG)": "Red potatoes",
    "POTATOES RUSSET (BULK&BAG)": "Russet potatoes",
    "POTATOES SWEET&YAMS": "Sweet potatoes",
    "POURABLE SALAD DRESSINGS": "Salad dressing",
    "PREP FD: SIDE DISHES (HOT)": "Side dish, hot",
    "PREPARED BEANS - BAKED W/PORK": "Baked beans",
    "PUDDING&GELATIN CUPS/CANS": "Pudding cups",
    "RAMEN NOODLES/RAMEN CUPS": "Ramen noodles",
    "REFRIGERATED SPECILATY ROLLS": "Chilled crescent rolls",
    "ROLLS - PORK": "Pork sausage roll",
    "RTS SOUP: CHUNKY/HOMESTYLE ET": "Chunky soup",
    "SALAD BAR FRESH FRUIT": "Fresh fruit salad",
    "SANDWICHES&HANDHELDS": "Frozen sandwiches",
    "SEASONAL CANDY BAGS-CHOCOLATE": "Seasonal chocolate",
    "SEMI-SOLID SALAD DRESSING MAY": "Mayonnaise",
    "SFT DRNK 2 LITER BTL CARB INCL": "Soft drink, large bottle",
    "SFT DRNK MLT-PK BTL CARB (EXCP": "Soft drink, bottles, multi pack",
    "SFT DRNK SNGL SRV BTL CARB (EX": "Soft drink, single bottle",
    "SGL SV/VEND MACH SNACKS CHIP/P": "Chips, single serve",
    "SNACK CAKE - MULTI PACK": "Snack cakes",
    "SOFT DRINK POWDER POUCHES": "Drink mix, pouch",
    "SOFT DRINKS 12/18&15PK CAN CAR": "Soft drink, cans, 12 to 18 pack",
    "SOFT DRINKS 20PK&24PK CAN CARB": "Soft drink, cans, 20 to 24 pack",
    "SOFT DRINKS 6PK/4PK CAN CARB (": "Soft drink, cans, 4 to 6 pack",
    "SOUP CRACKERS (SALTINE/OYSTER)": "Saltine crackers",
    "SOUR CREAMS": "Sour cream",
    "SS ECONOMY ENTREES/DINNERS ALL": "Frozen dinner",
    "STICKS/ENROBED": "Ice cream bars",
    "SW GDS: SW ROLLS/DAN": "Sweet rolls and Danish",
    "SW GDS:DONUTS": "Donuts",
    "TOILET TISSUE": "Toilet paper",
    "TOMATOES GRAPE": "Grape tomatoes",
    "TOMATOES HOTHOUSE ON THE VINE": "Tomatoes on the vine",
    "TOMATOES VINE RIPE BULK": "Vine-ripe tomatoes",
    "TOMATOES VINE RIPE PKG": "Vine-ripe tomatoes, packaged",
    "TV/MOVIE-MAGAZINE": "TV and film magazine",
    "VARIETY BEANS - KIDNEY PINTO": "Kidney and pinto beans",
    "VARIETY LETTUCE": "Lettuce",
    "VEGETABLE/SALAD OIL": "Vegetable oil",
    "YOGURT MULTI-PACKS": "Yogurt, multi pack",
    "YOGURT NOT MULTI-PACKS": "Yogurt",
}

# Words that say how, not what: the category has to come before them.
BARE = frozenset({
    "ACTIVITY", "ADULT", "ALL OTHER", "BETTER FOR YOU", "BLENDS", "CAN/BTL BEVERAGE", "COLLEGIATE", "DRY",
    "ECONOMY", "ECONOMY - BEEF", "ECONOMY - MEAT", "ENHANCED", "ENTREES", "EXTERNAL", "FLATS", "FRESH",
    "FROZEN", "GARDEN PLUS", "KIDS/FAMILY", "LEAN", "LIGHT", "LINKS - RAW", "MAINSTREAM", "MICROWAVE",
    "MICROWAVABLE CUPS", "MISCELLANEOUS", "NOVELTIES", "OTHER", "OTHER - FULLY COOKED", "PATTIES",
    "PATTIES - COOKED", "POULTRY", "PREMIUM", "PREMIUM - BEEF", "PREMIUM - MEAT", "PREMIUM PINTS", "PRIMAL",
    "PROCESSED OTHER", "PROMOTIONAL", "REGULAR GARDEN", "RIBS", "SEASONAL", "SELECT", "SMOKED/COOKED",
    "SOUP/STEW", "SPECIALTY", "SUPER PREMIUM PINTS", "TRADITIONAL", "VALUE", "VARIETY PACK", "WRAP",
})  # fmt: skip

WORDS = {
    "ACCESS": "accessories", "ACCSS": "accessories", "ASST": "assorted", "BBQ": "barbecue",
    "BEV": "beverage", "BKD": "baked", "BN": "beans", "BRD": "breaded", "BRKFST": "breakfast",
    "BTL": "bottle", "CAN": "canned", "CARB": "carbonated", "CHIX": "chicken", "CHOC": "chocolate",
    "CHRISTMAS": "Christmas", "CND": "canned", "CNDLES": "candles", "CRMD": "creamed", "CTN": "carton",
    "DAN": "Danish", "DANISH": "Danish", "DECAF": "decaffeinated", "DL": "deli", "DNRS": "dinners",
    "DPS": "dips", "DRNK": "drink", "DRNKS": "drinks", "DVD": "DVD", "EASTER": "Easter", "EXCPT": "except",
    "FD": "food", "FEM": "feminine", "FLVR": "flavored", "FLVRD": "flavored", "FRD": "fried",
    "FRE": "fresh", "FRENCH": "French", "FRESHNR": "freshener", "FRK": "drinks", "FRZ": "frozen",
    "FRZN": "frozen", "GDS": "goods", "GRND": "ground", "HALLOWEEN": "Halloween", "HISPANIC": "Hispanic",
    "HYGN": "hygiene", "IMPRTD": "imported", "INSTORE": "in-store", "IQF": "individually frozen",
    "ITALIAN": "Italian", "JAPANESE": "Japanese", "JCE": "juice", "KOSHER": "Kosher", "LQD": "liquid",
    "MAC": "macaroni", "MEXICAN": "Mexican", "MISC": "assorted", "MLK": "milk", "MNRL": "mineral",
    "MXS": "mixes", "ORIENTAL": "Asian", "PCKGD": "packaged", "PK": "pack", "PKG": "packaged",
    "PKGD": "packaged", "PLSTC": "plastic", "PNCH": "punch", "PPK": "prepacked", "PREP": "prepared",
    "PREPCK": "prepacked", "PREPORTND": "portioned", "PRESLCD": "sliced", "PROD": "products",
    "PRPCK": "prepacked", "PRSLC": "sliced", "PWDR": "powder", "QSR": "counter", "REFRIG": "chilled",
    "REFRIGERATED": "chilled", "RTD": "ready to drink", "RTS": "ready to serve", "RW": "fresh",
    "SAL": "salad", "SAUS": "sausage", "SFT": "soft", "SGL": "single", "SHLFSH": "shellfish",
    "SLD": "salad", "SNGL": "single", "SPEC": "specialties", "SPECILATY": "specialty", "SRV": "serve",
    "SS": "single serve", "SV": "service", "SW": "sweet", "SWISS": "Swiss", "THAI": "Thai",
    "TISS": "tissues", "TORT": "tortilla", "TV": "TV", "UNSWE": "unsweetened", "VAC": "vacuum",
    "VEG": "vegetable", "WHL": "whole", "WT": "weight", "XMAS": "Christmas",
}  # fmt: skip

PACKED = frozenset({
    "COSMETICS", "DRUG GM", "FROZEN GROCERY", "GROCERY", "MEAT-PCKGD", "NUTRITION", "SEAFOOD-PCKGD",
})  # fmt: skip
"""Departments whose size is the package's; at the counters it is that of the case the goods came in."""

UNITS = {
    "CT": "ct", "DZ": "dozen", "GA": "gal", "GAL": "gal", "L": "L", "LB": "lb", "LOAD": "loads", "ML": "ml",
    "OZ": "oz", "PK": "pack", "PT": "pt", "QT": "qt", "SQ FT": "sq ft",
}  # fmt: skip
_UNIT = "|".join(UNITS)
_AMOUNT = r"(?:\d+/\d+|\d{1,3}(?:\.\d+)?|\.\d+)"
_PLAIN = re.compile(rf"(?:[A-Z] +)?({_AMOUNT}) ?({_UNIT})")
_MULTIPACK = re.compile(rf"(\d+)(?: ?PK)?/({_AMOUNT}) ?({_UNIT})")


def product_name(department: str, category: str, source_type: str, brand: str, size: str) -> str:
    """A name such as `White milk, own brand, 1 gal`; `category` is the shop's, the rest are codes."""
    # The types of cosmetics are names of brands.
    parts = [category if department == "COSMETICS" else type_name(category, source_type)]
    if brand == "Private":
        parts.append("own brand")
    if department in PACKED and (readable := size_name(size)):
        parts.append(readable)
    return ", ".join(parts)


def type_name(category: str, source_type: str) -> str:
    """The words for a type code: the table's, else the code with its abbreviations written out."""
    source_type = source_type.strip()
    if source_type in TYPES:
        return TYPES[source_type]
    what = re.sub(r"\(.*", "", source_type).strip(" -")
    # Codes are cut at 30 characters, so the last word of such a one may be half a word.
    if len(source_type) == 30 and "(" not in source_type:
        what = re.sub(r"[\s/&]+[^\s/&]*$", "", what)
    words = " ".join(_expand(word) for word in re.split(r"\s+", what.replace("&", " and ")) if word)
    words = re.sub(r"\s*:\s*|\s*- +", ", ", words).strip(" ,.-")
    if not words:
        return category
    if source_type in BARE:
        return f"{category[0]}{category[1:].lower()}, {words}"
    return words[0].upper() + words[1:]


def size_name(size: str) -> str:
    """`12 oz`, `6 × 4 oz` or, where the code is not a size a customer would read, an empty string."""
    size = re.sub(r"\s+", " ", size.strip())
    if found := _MULTIPACK.fullmatch(size):
        if found[1] == "1" and found[2] == "2":
            return f"1/2 {UNITS[found[3]]}"
        return f"{found[1]} × {_amount(found[2])} {UNITS[found[3]]}"
    if found := _PLAIN.fullmatch(size):
        return f"{_amount(found[1])} {UNITS[found[2]]}"
    return f"1 {UNITS[size]}" if size in {"GAL", "PT"} else ""


def _amount(text: str) -> str:
    return text if "/" in text else f"{float(text):g}"


def _expand(word: str) -> str:
    """One word of a code, or several joined by `/` and `:`, with abbreviations written out."""
    return re.sub(r"[^/:]+", lambda part: WORDS.get(part[0].strip("."), part[0].lower()), word)
