//! The words of pairing codes: plain English, five letters each. A code can be read aloud, and
//! split into its parts without hyphens.

/// In alphabetical order. The count is a power of two, so that eight random bits choose a word
/// evenly.
#[rustfmt::skip]
pub(crate) const WORDS: [&str; 256] = [
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

/// The symbols of the last part of a code, without characters that look alike (`0`/`O`,
/// `1`/`I`/`L`, `U`/`V`). With 32 symbols, one of these would have to stay.
pub(crate) const SYMBOLS: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
