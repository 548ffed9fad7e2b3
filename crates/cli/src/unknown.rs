//! Words that look like options and are none. Some commands take any text, so a mistyped option would be sent
//! to others as a text.

use clap::{Arg, Command};

/// How alike two names must be for one to be proposed for the other.
const ALIKE: f64 = 0.75;

/// The first unknown `--word`, and what to say about it. Whatever is behind `--` is text.
pub(crate) fn find(root: &Command, words: &[String]) -> Option<String> {
    let (mut command, mut name_of) = (root, root.get_name().to_owned());
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        if word == "--" {
            return None;
        }
        let Some(long) = word.strip_prefix("--") else {
            let short = word.strip_prefix('-').filter(|short| short.chars().count() == 1);
            let arg = short.and_then(|short| {
                command.get_arguments().find(|arg| arg.get_short() == short.chars().next())
            });
            if arg.is_some_and(takes_next) {
                words.next();
            }
            if let Some(next) = command.find_subcommand(word) {
                command = next;
                name_of = format!("{name_of} {}", next.get_name());
            }
            continue;
        };
        if word.contains(char::is_whitespace) && !word.contains('=') {
            continue;
        }
        let (name, value) =
            long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        if matches!(name, "help" | "version") {
            continue;
        }
        let is_it = |arg: &&Arg| {
            let mut aliases = arg.get_all_aliases().into_iter().flatten();
            arg.get_long() == Some(name) || aliases.any(|alias| alias == name)
        };
        let Some(arg) = options(root, command).find(is_it) else {
            return Some(unknown(options(root, command), &name_of, name));
        };
        if value.is_none() && takes_next(arg) {
            words.next();
        }
    }
    None
}

/// The options of a command, and those that every command takes.
fn options<'a>(root: &'a Command, command: &'a Command) -> impl Iterator<Item = &'a Arg> {
    command.get_arguments().chain(root.get_arguments())
}

fn takes_next(arg: &Arg) -> bool {
    let fewest = arg.get_num_args().map(|range| range.min_values());
    arg.get_action().takes_values() && fewest != Some(0)
}

fn unknown<'a>(options: impl Iterator<Item = &'a Arg>, command: &str, name: &str) -> String {
    let options = options.filter_map(Arg::get_long);
    let rated = options.map(|option| (strsim::jaro_winkler(option, name), option));
    let nearest = rated.filter(|(rating, _)| *rating >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0));
    let hint =
        nearest.map(|(_, option)| format!(" Did you mean `--{option}`?")).unwrap_or_default();
    format!(
        "`--{name}` is not an option of `{command}`.{hint} `{command} --help` lists its options. To give it as a text, put `--` before it."
    )
}
