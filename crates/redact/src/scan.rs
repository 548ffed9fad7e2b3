//! Finds the secrets of a text from left to right, in time linear in its length.

use super::{
    address,
    assigned::{self, Assigned},
    block, calls, card, chance, command,
    hit::Hit,
    kinds::Check,
    looks, names, pairs, prose,
    shape::{self, Fit, TOKEN, at, bits, fit, is_word, line_break, step},
    table::{HEADS, NONE, ROWS, Row},
    tables,
    values::{self, Ends},
    words,
};

/// A text that is being searched.
pub(super) struct Scan<'a> {
    pub(super) text: &'a [u8],
    /// The token that was measured last: its start, its end, and whether it is encoded bytes. In
    /// encoded bytes, `/` and `+` do not separate words.
    token: (usize, usize, bool),
    /// Where the search began, or continued after a secret. A word may begin there.
    begin: usize,
    /// Whether a form stopped at the end of a line and might continue in the next.
    broken: bool,
    /// Forms that cannot match before a place, each on one line or across lines.
    failed: Vec<(u16, bool, usize)>,
    ends: Ends,
    /// Where the cookies begin whose header is being read.
    cookies: Option<usize>,
    /// What was found ahead, in the table that is being read, and where that ends.
    ahead: Vec<Hit>,
    table_end: usize,
    /// Whether the text has a cluster's secret, once that was asked.
    manifest: Option<bool>,
}

/// The least length of forms that begin with a run.
const SHORTEST: usize = 8;

/// A token of this length that has both cases, digits, and few slashes is encoded bytes.
const BLOB: usize = 60;

/// The second and third bytes, as bits of their last five, of the words that lead to a secret, by their first.
static LEADS: [[u32; 2]; 32] = leads();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "at compile time")]
const fn leads() -> [[u32; 2]; 32] {
    const fn add(leads: &mut [[u32; 2]; 32], word: &[u8]) {
        let first = (word[0] & 31) as usize;
        leads[first][0] |= 1 << (word[1] & 31);
        // A word of two letters may be followed by anything.
        leads[first][1] |= if word.len() > 2 { 1 << (word[2] & 31) } else { u32::MAX };
    }
    let (mut leads, mut word) = ([[0; 2]; 32], 0);
    while word < prose::NOUNS.len() {
        add(&mut leads, prose::NOUNS[word].0.as_bytes());
        word += 1;
    }
    word = 0;
    while word < words::CALLS.len() {
        add(&mut leads, words::CALLS[word].0);
        word += 1;
    }
    let lists: [&[&[u8]]; 4] =
        [&prose::PAIR_LEADS, &prose::USE_LEADS, &words::SLASHED, &words::OTHERS];
    let mut list = 0;
    while list < lists.len() {
        word = 0;
        while word < lists[list].len() {
            add(&mut leads, lists[list][word]);
            word += 1;
        }
        list += 1;
    }
    leads
}

/// Whether the word that begins here may lead to a secret, in small or capital letters.
fn may_lead(text: &[u8], here: usize) -> bool {
    let [first, second, third] =
        [0, 1, 2].map(|more| u32::from(at(text, here.saturating_add(more)) & 31));
    let [seconds, thirds] = LEADS.get(first as usize).copied().unwrap_or_default();
    seconds & 1_u32.wrapping_shl(second) != 0 && thirds & 1_u32.wrapping_shl(third) != 0
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        let (token, failed) = ((0, 0, false), Vec::new());
        Self {
            text,
            token,
            begin: 0,
            broken: false,
            failed,
            ends: Ends::default(),
            cookies: None,
            ahead: Vec::new(),
            table_end: 0,
            manifest: None,
        }
    }

    /// The text is the value of a field of this name.
    pub(super) fn is_value_of(&mut self, name: &str) {
        if names::tells(name.as_bytes()) == names::Tells::Cookie {
            self.cookies = Some(0);
        }
    }

    /// The next secret at or after `from`.
    pub(super) fn next(&mut self, from: usize) -> Option<Hit> {
        let mut here = from;
        self.begin = from;
        let ahead = self.ahead.iter().take_while(|hit| hit.start < from).count();
        self.ahead.drain(..ahead);
        while let Some(byte) = self.text.get(here) {
            step();
            if self.ahead.first().is_some_and(|hit| hit.start <= here) {
                let hit = self.ahead.remove(0);
                return Some(self.more_specific(hit));
            }
            let hit = if byte.is_ascii_alphanumeric() {
                if self.begins_word(here) { self.word(here, *byte) } else { None }
            } else if matches!(byte, b'/' | b'+') && self.begins_encoded(here) {
                self.token(here).or_else(|| self.place(here, *byte))
            } else {
                let armor = if *byte == b'-' { block::armor(self.text, here) } else { None };
                armor.or_else(|| self.place(here, *byte).map(|hit| self.more_specific(hit)))
            };
            if hit.is_some() {
                return hit;
            }
            here = self.beyond(here, *byte);
        }
        None
    }

    /// The next place where anything may begin. No word begins within letters and digits, except behind an escape, a
    /// percent sign, or a colour.
    fn beyond(&self, here: usize, byte: u8) -> usize {
        let next = here.saturating_add(1);
        let before = at(self.text, here.wrapping_sub(1));
        let begins = byte.is_ascii_alphanumeric() && !before.is_ascii_alphanumeric();
        if !begins || b"\\%[;?".contains(&before) {
            return next;
        }
        let ahead = self.ahead.first().map_or(self.text.len(), |hit| hit.start);
        let rest = self.text.get(next..ahead.max(next)).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        next.saturating_add(length)
    }

    /// Whether encoded bytes may begin with the `/` or `+` here.
    fn begins_encoded(&self, here: usize) -> bool {
        let [before, after] =
            [here.wrapping_sub(1), here.saturating_add(1)].map(|place| at(self.text, place));
        (here == self.begin || !is_word(before) && !b"/+:.".contains(&before))
            && after.is_ascii_alphanumeric()
    }

    /// The secret that the word here is, or names.
    fn word(&mut self, here: usize, first: u8) -> Option<Hit> {
        let known = self.token(here);
        let named =
            first.is_ascii_alphabetic() && !b"-.$/@".contains(&at(self.text, here.wrapping_sub(1)));
        if known.is_some() || !named || !may_lead(self.text, here) {
            return known;
        }
        let (text, ends) = (self.text, &mut self.ends);
        let named = prose::named(text, here, ends);
        if let Some(hit) = named
            && self.ahead.is_empty()
        {
            self.ahead.extend(prose::another(text, hit, ends));
        }
        let named = named
            .or_else(|| words::positional(text, here, ends))
            .or_else(|| prose::pair(text, here, ends))
            .or_else(|| prose::before_noun(text, here, ends))?;
        Some(self.more_specific(named))
    }

    /// The secret whose place the byte here begins or ends.
    fn place(&mut self, here: usize, byte: u8) -> Option<Hit> {
        if matches!(byte, b',' | b';' | b'|' | b'\t' | b'\n' | b'\\' | b')') {
            self.table(here);
        }
        let (text, ends) = (self.text, &mut self.ends);
        match byte {
            b'=' | b':' => self.sign(here),
            b' ' => assigned::spaced(text, here, ends),
            b',' => pairs::argument(text, here, ends),
            b'|' => calls::fallback(text, here, ends).or_else(|| pairs::cell(text, here, ends)),
            b'?' => calls::fallback(text, here, ends),
            b'#' => {
                let found = tables::of_comment(text, here);
                self.read(found);
                None
            }
            b'>' => pairs::element(text, here),
            b'/' => command::slashed(text, here, ends),
            b'<' => words::here_string(text, here),
            b'-' => {
                if let Some(begin) = command::cookies(text, here) {
                    self.cookies = Some(begin);
                }
                calls::arrow(text, here, ends).or_else(|| command::option(text, here, ends))
            }
            b'\n' | b'"' | b'\'' => {
                self.cookies = self.cookies.filter(|begin| here < *begin);
                None
            }
            b'(' => pairs::called(text, here, ends).or_else(|| calls::argument(text, here, ends)),
            b'{' => pairs::called(text, here, ends),
            0xC3.. => prose::named(text, here, ends),
            _ => None,
        }
    }

    /// Reads the table whose head has a column that ends here.
    fn table(&mut self, here: usize) {
        if here >= self.table_end {
            let found = tables::of_head(self.text, here);
            self.read(found);
        }
    }

    /// Keeps what was found ahead.
    fn read(&mut self, found: Option<(Vec<Hit>, usize)>) {
        if let Some((hits, end)) = found {
            self.table_end = end;
            self.ahead = hits;
        }
    }

    /// Reads the values of a cluster's secret, whose `data:` ends here.
    fn data(&mut self, here: usize) {
        let before = self.text.get(..here).unwrap_or_default();
        let plain = before.ends_with(b"stringData");
        if here < self.table_end || !plain && !before.ends_with(b"data") {
            return;
        }
        let text = self.text;
        if *self.manifest.get_or_insert_with(|| tables::has_secret(text)) {
            let found = tables::of_secret(text, here, plain);
            self.read(found);
        }
    }

    /// The secret that follows the `=` or `:` here.
    fn sign(&mut self, here: usize) -> Option<Hit> {
        let text = self.text;
        if text.get(..here).is_some_and(|before| before.ends_with(b"[REDACTED")) {
            return None;
        }
        if at(text, here) == b':' {
            self.data(here);
            let address = address::password(text, here)
                .or_else(|| address::token(text, here))
                .or_else(|| address::of_line(text, here, &mut self.ends))
                .or_else(|| address::of_source(text, here))
                .or_else(|| address::of_user(text, here, &mut self.ends))
                .or_else(|| address::of_network(text, here));
            if address.is_some() {
                return address;
            }
        }
        match assigned::beside(text, here, self.cookies.is_some(), &mut self.ends)? {
            Assigned::Secret(hit) => Some(hit),
            Assigned::Several(mut hits) => {
                let first = hits.remove(0);
                if self.ahead.is_empty() {
                    self.ahead = hits;
                }
                Some(first)
            }
            Assigned::Cookies(begin) => {
                self.cookies = Some(begin);
                None
            }
        }
    }

    /// Whether a word begins here: the text before is not part of it, or is an escape such as `\n`
    /// or `%20`.
    fn begins_word(&self, here: usize) -> bool {
        let Some(before) = here.checked_sub(1).filter(|_| here != self.begin) else {
            return true;
        };
        let byte = at(self.text, before);
        if !is_word(byte) {
            let inside = matches!(byte, b'/' | b'+') && self.token.2 && here < self.token.1;
            return !inside;
        }
        let earlier = |back: usize| here.checked_sub(back).map_or(0, |place| at(self.text, place));
        let escape = matches!(byte, b'n' | b'r' | b't') && earlier(2) == b'\\';
        let percent = bits(byte) & shape::class(b'H') != 0
            && bits(earlier(2)) & shape::class(b'H') != 0
            && earlier(3) == b'%';
        escape || percent || values::coloured_before(self.text, here).is_some()
    }

    /// The secret whose form matches here.
    pub(super) fn token(&mut self, here: usize) -> Option<Hit> {
        let end = self.token_end(here);
        let length = end.saturating_sub(here);
        let first = at(self.text, here);
        let mut best = None;
        self.broken = line_break(self.text, end).is_some();
        self.list(first, here, length, false, &mut best);
        // All forms that begin with a run are longer, except one.
        if length >= SHORTEST
            || at(self.text, here.saturating_add(4)) == b'Q'
            || at(self.text, here.saturating_add(6)) == b'.'
        {
            self.list(0, here, length, false, &mut best);
        }
        // A form across several lines is tried only if its prefix matched and nothing matched on
        // one line.
        if best.is_none() && self.broken {
            self.list(first, here, usize::MAX, true, &mut best);
        }
        match first {
            _ if best.is_some() => best,
            b'2'..=b'6' => {
                let coloured = values::coloured_before(self.text, here).is_some();
                card::number(self.text, if coloured { here } else { self.begin }, here)
            }
            b'P' => block::putty(self.text, here),
            _ => None,
        }
    }

    /// Tries the forms of one list, and keeps the longest match.
    fn list(
        &mut self,
        head: u8,
        here: usize,
        length: usize,
        wrapped: bool,
        best: &mut Option<Hit>,
    ) {
        let mut next = HEADS.get(usize::from(head)).copied().unwrap_or(NONE);
        while let Some(row) = ROWS.get(usize::from(next)) {
            step();
            if length >= usize::from(row.least)
                && row.second == at(self.text, here.wrapping_add(usize::from(row.offset)))
            {
                let longest = best.map_or(0, |best| best.end);
                let hit = self.row(next, row, here, wrapped);
                *best = hit.filter(|hit| hit.end > longest).or(*best);
            }
            next = row.next;
        }
    }

    /// The secret that this form matches here.
    fn row(&mut self, number: u16, row: &Row, here: usize, wrapped: bool) -> Option<Hit> {
        let found = self.fit(number, row, here, wrapped)?;
        let secret = self.text.get(found.start..found.end)?;
        let is_one = match row.check {
            Check::None => true,
            Check::Mixed => chance::mixed(secret),
            Check::Random => chance::random(secret),
            Check::Basic => looks::basic(secret),
            Check::Alone => !b"-./_".contains(&at(self.text, here.wrapping_sub(1))),
            Check::Told(maker) => {
                let before = self.text.get(here.saturating_sub(96)..here).unwrap_or_default();
                before.windows(maker.len()).any(|part| part.eq_ignore_ascii_case(maker.as_bytes()))
            }
        };
        if !is_one {
            // If the whole is not a secret, no part of it is.
            self.fails(number, wrapped, found.end);
            return None;
        }
        let hit = Hit { kind: usize::from(row.kind), start: found.start, end: found.end };
        // A value in a place for any secret may have a known form, which says more.
        Some(if found.start > here { self.more_specific(hit) } else { hit })
    }

    fn fit(&mut self, number: u16, row: &Row, here: usize, wrapped: bool) -> Option<Fit> {
        let is_same = |failed: &(u16, bool, usize)| (failed.0, failed.1) == (number, wrapped);
        if self.failed.iter().any(|failed| is_same(failed) && here < failed.2) {
            return None;
        }
        let misfit = match fit(row.form, self.text, here, wrapped) {
            Ok(fit) => return Some(fit),
            Err(misfit) => misfit,
        };
        self.broken |= misfit.broken;
        if misfit.until > here {
            self.fails(number, wrapped, misfit.until);
        }
        None
    }

    /// Records that a form cannot match before `until`.
    fn fails(&mut self, number: u16, wrapped: bool, until: usize) {
        self.failed.retain(|failed| (failed.0, failed.1) != (number, wrapped));
        self.failed.push((number, wrapped, until));
    }

    /// The kind whose form matches all of `hit`, or else `hit` itself.
    pub(super) fn more_specific(&mut self, hit: Hit) -> Hit {
        let known = if at(self.text, hit.start).is_ascii_alphanumeric() {
            self.token(hit.start)
        } else {
            None
        };
        known.filter(|known| known.start == hit.start && known.end >= hit.end).unwrap_or(hit)
    }

    /// Where the token that begins or continues here ends.
    fn token_end(&mut self, here: usize) -> usize {
        let (start, end, _) = self.token;
        if (start..end).contains(&here) {
            return end;
        }
        let rest = self.text.get(here..).unwrap_or_default();
        let (mut length, mut seen, mut slashes) = (0_usize, 0, 0_usize);
        for byte in rest {
            step();
            let is = bits(*byte);
            if is & TOKEN == 0 {
                break;
            }
            seen |= is;
            slashes = slashes.saturating_add(usize::from(*byte == b'/'));
            length = length.saturating_add(1);
        }
        let all = |letter| seen & shape::class(letter) != 0;
        let blob = length >= BLOB
            && slashes.saturating_mul(24) < length
            && all(b'd')
            && seen & shape::class(b'w') & !shape::class(b'a') == 0;
        let end = here.saturating_add(length);
        self.token = (here, end, blob);
        end
    }
}

#[cfg(test)]
mod tests {
    use super::super::{hits, shape::tests::steps};
    use super::*;

    /// The most steps that the search may take for each byte of a text.
    const MOST: usize = 120;

    fn steps_of(text: &str) -> usize {
        steps();
        hits(None, text);
        steps()
    }

    /// What begins or ends the place of a secret.
    const PIECES: [&str; 98] = [
        "=",
        ":",
        "a:",
        "a=",
        "secret=",
        "value=",
        "name=value=",
        "?pwd=",
        "&pwd=a1b2",
        "://?pwd=a",
        "cookie:",
        "cookie: sid=",
        "<password>",
        "<value key=\"password\">",
        "-p ",
        "-p aaaaaa ",
        "-pa1b2c3 ",
        "--password ",
        "--password a1b2",
        "curl -u a:aaaaaa ",
        "password ",
        "password a ",
        "password is ",
        "my password is a",
        "a_password ",
        "'password', '",
        "| password ",
        "password%3D",
        "a:5432:",
        "a:5432:b:c:",
        "\\\\\"password\": \\\\\"",
        "\u{1b}[32m",
        "name,password\n",
        "token,",
        "a,token",
        "(token,",
        "a,password\n1,b\n",
        "|token|a\\n",
        "(a,password) VALUES (1,2),",
        "# a b secret\n",
        "kind: Secret\ndata:\n",
        "kind: Secret\ndata:\n  a: AAAABBB\n",
        "login(\"a\", ",
        "login(",
        "login('a','b",
        "password || '",
        "get('#password').type('a",
        "password <- 'a",
        "use 'a' as the ",
        "login: a / ",
        "AUTH a ",
        "net use a ",
        "sqlplus a/b@",
        "set-output name=token::",
        "a@b.example:c1",
        "-u a -p b1 ",
        "xfreerdp /p:a ",
        "\u{1b}[32mpassword: ",
        "密码",
        "пароль ",
        "password: “",
        "mnemonic: abc abc ",
        "secret=\"",
        "secret=\"a",
        "password:'x\\",
        "://",
        "a://b:",
        "://u:p",
        "://u:pass@",
        "@",
        "-",
        "-----",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END ",
        "4111 ",
        "4111-1111",
        "1",
        "a",
        "A1-",
        "a/",
        "a+",
        "a1B/",
        "%3D",
        "\\n",
        "[REDACTED:",
        "PuTTY-User-Key-File-2: ",
        "PuTTY-User-Key-File-2: Private-Lines: 1\n",
        "Bearer ",
        "Bearer a1B2",
        "sha256~",
        "eyJaaaaaaaaaaa.",
        "eyJaaaaaaaaaaa-",
        "eyJaaaaaaaaaaa\n",
        "MaaaaaaaaaaaaaaaaaaaaaaaA1-",
        "é",
        "密",
        "\u{0}",
    ];

    /// Texts in which many secrets seem to begin, and few or none are.
    fn hostile(length: usize) -> Vec<String> {
        let mut pieces: Vec<String> = Vec::new();
        for row in &ROWS {
            let form = str::from_utf8(row.form).unwrap();
            let literal = form.split(['{', '<']).next().unwrap();
            for behind in
                ["-", "/", ".", " ", "\n", "-a1B", "abcdefgh\n", "aaaaaaaaaaaaaaaaaaaaaaaa.", ":AA"]
            {
                pieces.push(format!("{literal}{behind}"));
            }
        }
        pieces.extend(PIECES.map(ToOwned::to_owned));
        let fill = |piece: &String| piece.repeat(length.div_ceil(piece.len()));
        let mut texts: Vec<String> = pieces.iter().map(fill).collect();
        // Fails only at the very end, after a long start that matches.
        texts.push("eyJaaaaaaaaaaa-".repeat(length / 15) + ".a");
        texts.push("eyJaaaaaaaaaaa.eyJbbbbbbbbbbb-".repeat(length / 30) + ".");
        texts.push("eyJaaaaaaaaaaa.".to_owned() + &"eyJbbbbbbbbbbb-".repeat(length / 15) + ".");
        texts
    }

    #[test]
    fn no_text_takes_more_than_its_length_allows() {
        let (once, twice) = (hostile(1_500), hostile(3_000));
        let mut most = 0;
        for (once, twice) in once.iter().zip(&twice) {
            let (few, many) = (steps_of(once), steps_of(twice));
            let begin: String = once.chars().take(60).collect();
            assert!(many <= MOST * twice.len(), "{} a byte: {begin:?}", many / twice.len());
            assert!(many <= few * 9 / 4 + 10_000, "{few}, then {many}: {begin:?}");
            most = most.max(many / twice.len());
        }
        println!("at most {most} steps a byte");
    }
}
