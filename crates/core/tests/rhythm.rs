//! What a conversation costs in rows written, whatever its rhythm.
#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]

mod support;

use support::life::{Reading, Rhythm, Told, live};

const MESSAGES: u32 = 20;

/// Rows for each message, in hundredths, and for the whole life of a session besides, from its creation until nothing
/// is left of it in the directory.
const BUDGET: (u64, u64) = (120, 12);

/// For a link and its claim, in the index and in the session, until the index has deleted it.
const PAIRING: u64 = 5;

fn conversation(gap: i64, is_keyed: bool, reading: Reading, is_ended: bool) -> Told {
    live(Rhythm { messages: MESSAGES, bytes: 80, gap, is_keyed, reading, is_ended })
}

#[test]
fn a_message_costs_one_row_in_any_rhythm() {
    for is_keyed in [false, true] {
        for reading in [Reading::Waiting, Reading::Now] {
            for gap in [0, 1, 5, 26, 90, 600] {
                let Told { rows, moved, .. } = conversation(gap, is_keyed, reading, true);
                let rows = rows - PAIRING;
                println!(
                    "{gap} s, keyed: {is_keyed}, {reading:?}: {rows} rows, {moved} moved alarms"
                );
                let each = BUDGET.0 + if is_keyed { 100 } else { 0 };
                // Once in a TTL, the alarm finds that the end has moved.
                let budget = each * u64::from(MESSAGES) / 100 + BUDGET.1 + moved;
                assert!(rows <= budget, "{gap} s, {is_keyed}, {reading:?}: {rows} of {budget}");
                assert!(moved <= 3 && (moved == 0 || gap == 600), "{moved}");
            }
        }
    }
}

#[test]
fn an_end_by_itself_costs_what_tells_of_it() {
    let ended = conversation(26, false, Reading::Waiting, true);
    let expired = conversation(26, false, Reading::Waiting, false);
    // The notice, the session that notes it, and the alarm that is set again for the end; and, because the last
    // message came later than the first, once before.
    assert_eq!((expired.rows - ended.rows, expired.moved), (3 + expired.moved, 1));
}
