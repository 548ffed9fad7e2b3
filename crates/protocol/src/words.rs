//! The words of pairing codes: plain English, five letters each. A code can be read aloud, and
//! split into its parts without hyphens.

/// The words of both places of a code before codes told their region, and of the second place since. In
/// alphabetical order.
#[rustfmt::skip]
pub(crate) const COMMON: [&str; 256] = [
    "ACORN", "ACTOR", "ADOBE", "AGILE", "ALBUM", "ALDER", "ALERT", "ALLEY", "ALPHA", "AMBER", "AMPLE", "ANGLE",
    "ANKLE", "APPLE", "APRIL", "APRON", "ARENA", "ARGON", "ARROW", "ASPEN", "ATLAS", "ATTIC", "AUDIO", "AZURE",
    "BADGE", "BAGEL", "BAKER", "BANJO", "BASIL", "BASIN", "BATCH", "BEACH", "BENCH", "BERRY", "BIRCH", "BISON",
    "BLAZE", "BLEND", "BLOOM", "BLUFF", "BOARD", "BOOTH", "BRAVE", "BREAD", "BRICK", "BRISK", "BROOK", "BRUSH",
    "BUNNY", "CABIN", "CABLE", "CACAO", "CAMEL", "CANAL", "CANDY", "CANOE", "CARGO", "CEDAR", "CELLO", "CHALK",
    "CHARM", "CHESS", "CHIME", "CIDER", "CINCH", "CIVIC", "CLIFF", "CLOCK", "CLOUD", "CLOVE", "COAST", "COBRA",
    "COMET", "CORAL", "COUCH", "CRANE", "CREEK", "CRISP", "CROWN", "CRUST", "CUBIC", "CURVE", "DAISY", "DANCE",
    "DELTA", "DINER", "DIVER", "DODGE", "DRAMA", "DREAM", "DRIFT", "EAGER", "EAGLE", "EARTH", "EASEL", "EBONY",
    "ELBOW", "ELDER", "EMBER", "ENJOY", "EPOCH", "FABLE", "FAITH", "FANCY", "FAUNA", "FERRY", "FIBER", "FIELD",
    "FINCH", "FJORD", "FLAME", "FLINT", "FLORA", "FLUTE", "FOCAL", "FOGGY", "FORGE", "FORUM", "FRESH", "FROST",
    "FRUIT", "GECKO", "GENIE", "GIANT", "GLIDE", "GLOBE", "GLOVE", "GRAIN", "GRAPE", "GREEN", "GROVE", "GUAVA",
    "GUIDE", "HABIT", "HARDY", "HATCH", "HAVEN", "HAZEL", "HEDGE", "HELIX", "HERON", "HINGE", "HOBBY", "HONEY",
    "HORSE", "HOTEL", "HUMOR", "IDEAL", "IGLOO", "INLET", "IONIC", "IVORY", "JAZZY", "JELLY", "JEWEL", "JOLLY",
    "JUICE", "JUMBO", "KAYAK", "KIOSK", "KOALA", "LABEL", "LADLE", "LASER", "LATCH", "LEMON", "LEVER", "LILAC",
    "LINEN", "LLAMA", "LODGE", "LOTUS", "LUCKY", "LUNAR", "LUNCH", "LYRIC", "MAGIC", "MANGO", "MAPLE", "MARSH",
    "MEDAL", "MELON", "MERRY", "MIMIC", "MOCHA", "MODEL", "MOOSE", "MOTOR", "MOUND", "MOUSE", "MUSIC", "NOBLE",
    "NORTH", "NOVEL", "OASIS", "OCEAN", "OLIVE", "ONION", "OPERA", "ORBIT", "OTTER", "OXIDE", "PANDA", "PAPER",
    "PATIO", "PEACH", "PEARL", "PECAN", "PEDAL", "PENNY", "PIANO", "PILOT", "PIXEL", "PLAZA", "PLUMB", "POLAR",
    "POPPY", "PORCH", "PRISM", "QUAIL", "QUEST", "QUIET", "QUILT", "RADAR", "RADIO", "RANCH", "RAPID", "RAVEN",
    "RELAY", "RHYME", "RIDGE", "RIVER", "ROBIN", "ROBOT", "ROCKY", "ROUND", "RURAL", "SALAD", "SATIN", "SCARF",
    "SCOUT", "SHELF", "SHORE", "SILKY", "SIREN", "SKATE", "SLATE", "SMILE", "SOLAR", "SONIC", "SPARK", "SPICE",
    "SPOON", "SPRIG", "STORM", "STOVE",
];

/// The first words of the codes of each region, in the order of [`Region::ALL`], and second words of all.
/// Each list is in alphabetical order, and no word stands in two of them.
///
/// [`Region::ALL`]: crate::Region::ALL
#[rustfmt::skip]
pub(crate) const OF_REGIONS: [[&str; 64]; 9] = [
    // Western North America
    [
        "ABOVE", "AGREE", "AMEND", "ARISE", "AWARD", "BLIMP", "BRASS", "BUILD", "CAROL", "CHILI", "CLASP", "COLOR",
        "CRIMP", "CYCLE", "DIARY", "DOWEL", "EARLY", "ERASE", "FAVOR", "FLASK", "FLYER", "FUDGE", "GENRE", "GOLEM",
        "GROUP", "HIPPO", "ICING", "INTRO", "KARAT", "KRILL", "LIMBO", "LUCID", "MARCH", "MINTY", "MOTIF", "NOTCH",
        "OMEGA", "PANSY", "PIECE", "POSSE", "PROWL", "RACER", "REFER", "REVEL", "RULER", "SAUCE", "SHADY", "SIGMA",
        "SMITH", "SOLVE", "SPREE", "STERN", "STUDY", "SWARM", "TAFFY", "TENOR", "TIGER", "TRACK", "TRUNK", "TWINE",
        "VALET", "VISIT", "WAGON", "WISER",
    ],
    // Eastern North America
    [
        "ACUTE", "AHEAD", "AMITY", "AROMA", "AXIAL", "BLINK", "BRAVO", "BULGE", "CARRY", "CHINA", "CLEAN", "COMFY",
        "CROFT", "DAIRY", "DIGIT", "DOZEN", "ELECT", "ESSAY", "FEAST", "FLECK", "FOAMY", "FUGUE", "GENUS", "GOOEY",
        "GUARD", "HITCH", "IMAGE", "ISLET", "KARMA", "LANKY", "LINED", "LUMEN", "MAUVE", "MIRTH", "MOTTO", "NOTED",
        "ONSET", "PARKA", "PINTO", "POWER", "PROXY", "RAINY", "REFIT", "REVUE", "RUMBA", "SAVVY", "SHAFT", "SIXTH",
        "SMOCK", "SOOTY", "SQUAD", "STICK", "STYLE", "SWEEP", "TANGY", "TEPID", "TITAN", "TRAIT", "TRUTH", "TWIST",
        "VALOR", "VISOR", "WALTZ", "WORDY",
    ],
    // South America
    [
        "ADAGE", "ALARM", "AMONG", "ARRAY", "AXIOM", "BLOCK", "BRIAR", "BULKY", "CARVE", "CHIVE", "CLEFT", "COMIC",
        "CROON", "DEBIT", "DINGO", "DRAKE", "ELITE", "ETHER", "FENCE", "FLEET", "FOLIO", "FULLY", "GIVEN", "GORGE",
        "GUISE", "HOIST", "INBOX", "JAUNT", "KEBAB", "LAPEL", "LITHE", "LUMPY", "MEDIA", "MISTY", "MOVER", "NUDGE",
        "OPTED", "PARTY", "PIXIE", "PRANK", "PULSE", "RAISE", "REGAL", "RIGID", "RUNIC", "SCALE", "SHARP", "SKEIN",
        "SMOKE", "SOUTH", "STAFF", "STILT", "SUAVE", "SWIFT", "TAPIR", "TERRA", "TODAY", "TRAWL", "TUBER", "ULTRA",
        "VALVE", "VISTA", "WHALE", "WORLD",
    ],
    // Western Europe
    [
        "ADAPT", "ALIKE", "ANGEL", "ASIDE", "BACON", "BONGO", "BRINE", "BUTTE", "CATER", "CHUNK", "CLIMB", "CONGA",
        "CROSS", "DECAL", "DISCO", "DRESS", "EMAIL", "ETUDE", "FETCH", "FLOAT", "FORAY", "FUNKY", "GIZMO", "GOURD",
        "HAPPY", "HOVER", "INDEX", "JETTY", "KHAKI", "LASSO", "LLANO", "LYMPH", "MEDIC", "MIXER", "MOVIE", "NUTTY",
        "OPTIC", "PASTA", "PIZZA", "PRAWN", "PUPIL", "RALLY", "RELIC", "RIGOR", "SABER", "SCOOP", "SHAWL", "SKIFF",
        "SNACK", "SPEAR", "STAGE", "STOIC", "SUEDE", "SWING", "TASTY", "THANK", "TOKEN", "TREND", "TULIP", "UNCLE",
        "VENUE", "VITAL", "WHEAT", "WRIST",
    ],
    // Eastern Europe
    [
        "ADMIT", "ALLOW", "ANVIL", "ASSET", "BARGE", "BOOST", "BROAD", "BUYER", "CHAIR", "CHUTE", "CLOAK", "CORNY",
        "CROWD", "DECOR", "DITTO", "DRIVE", "ENACT", "EVERY", "FICUS", "FLOOD", "FOYER", "FURRY", "GLARE", "GRAFT",
        "HAUNT", "HOWDY", "INDIE", "JIFFY", "KNEAD", "LATTE", "LOBBY", "MACRO", "MERCY", "MOGUL", "MULCH", "NYLON",
        "ORGAN", "PATTY", "PLACE", "PRICE", "QUAKE", "RANGE", "REMIX", "RINSE", "SALON", "SCOPE", "SHEEN", "SKILL",
        "SNAIL", "SPECK", "STAIR", "STOMP", "SUGAR", "SWIRL", "TAWNY", "THING", "TONAL", "TRIAL", "TUNED", "UNIFY",
        "VERGE", "VIVID", "WHIRL", "YACHT",
    ],
    // Asia and the Pacific
    [
        "ADULT", "ALOFT", "APART", "ATOLL", "BATON", "BOUGH", "BROTH", "CACHE", "CHARD", "CIGAR", "CLOTH", "COUNT",
        "CUBBY", "DENIM", "DITTY", "DRYER", "ENTER", "EVOKE", "FINAL", "FLOSS", "FRAME", "GAMMA", "GLASS", "GRAND",
        "HEART", "HUMAN", "INGOT", "JOINT", "KNEEL", "LAUGH", "LOCAL", "MAIZE", "METER", "MONEY", "NAMED", "OAKEN",
        "OUNCE", "PERKY", "PLAID", "PROBE", "QUART", "REACT", "RENEW", "RIPEN", "SALSA", "SCRUB", "SHINE", "SLANT",
        "SNARE", "SPEED", "STALK", "STONY", "SUITE", "SWISH", "TEDDY", "THROW", "TOPAZ", "TRIBE", "TURBO", "UNITE",
        "VIDEO", "VOGUE", "WHISK", "YUMMY",
    ],
    // Oceania
    [
        "AFTER", "ALONE", "APPLY", "AVOID", "BAYOU", "BOXER", "BUDDY", "CADET", "CHASE", "CIVIL", "CLOWN", "CRATE",
        "CUMIN", "DEPOT", "DIZZY", "DUSTY", "ENTRY", "EXCEL", "FIRST", "FLOUR", "FRILL", "GAUGE", "GLEAM", "GRAPH",
        "HEFTY", "HUSKY", "INLAY", "JOKER", "KNIFE", "LEAFY", "LOFTY", "MAKER", "METRO", "MONTH", "NIFTY", "OCTAL",
        "OXBOW", "PESTO", "PLUCK", "PRONG", "QUERY", "READY", "REPLY", "RODEO", "SALTY", "SEDAN", "SHIRT", "SLEEK",
        "SNOWY", "SPIEL", "STAND", "STOOL", "SUNUP", "SYNTH", "TEETH", "THUMB", "TOPIC", "TROOP", "TUTOR", "UNZIP",
        "VIGIL", "VOICE", "WIDEN", "ZEBRA",
    ],
    // Africa
    [
        "AGENT", "ALOUD", "ARBOR", "AWAIT", "BERET", "BRACE", "BUGGY", "CAMEO", "CHECK", "CLAMP", "COCOA", "CREAM",
        "CURIO", "DEPTH", "DONOR", "DUVET", "EQUAL", "EXTRA", "FIXED", "FLUFF", "FRISK", "GAUZE", "GLINT", "GREAT",
        "HELLO", "HYDRA", "INNER", "JUICY", "KNOCK", "LEARN", "LOGIC", "MANGA", "MILKY", "MORAL", "NINJA", "OCTET",
        "PAINT", "PHONE", "PLUSH", "PROOF", "QUICK", "REALM", "RESET", "ROOMY", "SALVO", "SEPIA", "SHOAL", "SMART",
        "SOAPY", "SPORT", "STEAM", "STRAP", "SUSHI", "SYRUP", "TEMPO", "TIARA", "TOQUE", "TROUT", "TWANG", "UPPER",
        "VINYL", "VOTER", "WIDTH", "ZESTY",
    ],
    // The Middle East
    [
        "AGLOW", "AMAZE", "ARGUE", "AWAKE", "BLESS", "BRAID", "BUGLE", "CARAT", "CHEER", "CLANG", "CODER", "CREST",
        "CURLY", "DERBY", "DOUGH", "DWELL", "EQUIP", "FACED", "FLAIR", "FLUID", "FROND", "GAVEL", "GNOME", "GROOM",
        "HILLY", "HYENA", "INPUT", "JUMPY", "KNOLL", "LIGHT", "LORRY", "MANOR", "MINCE", "MOSSY", "NOMAD", "OFFER",
        "PANEL", "PHOTO", "POLKA", "PROUD", "QUOTE", "RECAP", "RESIN", "ROUTE", "SAMBA", "SETUP", "SIEVE", "SMELT",
        "SOLID", "SPRAY", "STEEL", "STRUM", "SWAMP", "TABBY", "TENET", "TIDAL", "TOTEM", "TRUCE", "TWEAK", "URBAN",
        "VIOLA", "WAFER", "WINDY", "ZIPPY",
    ],
];

/// The symbols of the last part of a code, without characters that look alike (`0`/`O`,
/// `1`/`I`/`L`, `U`/`V`). With 32 symbols, one of these would have to stay.
pub(crate) const SYMBOLS: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
