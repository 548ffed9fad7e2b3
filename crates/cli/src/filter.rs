//! `--jq`: a filter in the language of jq, which runs on each value before it is printed.

use crate::{
    error::{Failure, Kind, Result},
    json::Json,
};
use jaq_core::{
    Compiler, Ctx, Filter as Compiled, Vars,
    data::JustLut,
    load::{Arena, File, Loader},
    unwrap_valr,
};
use jaq_json::{Val, read};

/// A filter that was read and found correct.
pub(crate) struct Filter(Compiled<JustLut<Val>>);

impl Filter {
    pub(crate) fn new(code: &str) -> Result<Self> {
        let wrong = |what: String| {
            let message = format!("The filter of --jq {what}. Nothing was done.");
            Failure::own(Kind::Usage, message)
        };
        let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let (arena, loader) = (Arena::default(), Loader::new(defs));
        let modules = loader
            .load(&arena, File { code, path: () })
            .map_err(|_| wrong("is not valid jq".to_owned()))?;
        let filter = Compiler::default().with_funs(funs).compile(modules).map_err(|errors| {
            let names = errors.iter().flat_map(|(_, errors)| errors).map(|(name, _)| *name);
            wrong(format!("uses what does not exist: {}", names.collect::<Vec<_>>().join(", ")))
        })?;
        Ok(Self(filter))
    }

    /// The outputs for a value, one a line: strings as they are, everything else as JSON.
    pub(crate) fn run(&self, json: &Json) -> Result<Vec<String>> {
        let failed = |why: &dyn std::fmt::Display| {
            Failure::own(Kind::Usage, format!("The filter of --jq failed: {why}."))
        };
        let input = read::parse_single(json.as_str().as_bytes()).map_err(|error| failed(&error))?;
        let context = Ctx::<JustLut<Val>>::new(&self.0.lut, Vars::new([]));
        let outputs = self.0.id.run((context, input)).map(unwrap_valr);
        outputs
            .map(|output| match output.map_err(|error| failed(&error))? {
                Val::TStr(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
                value => Ok(value.to_string()),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_print_strings_raw_and_numbers_as_they_were_written() {
        let run = |code: &str| {
            let json =
                Json::parse(r#"{"a":["x\ny",1.10,12345678901234567890,{"b":null}]}"#).unwrap();
            Filter::new(code)?.run(&json)
        };
        let expected = ["x\ny", "1.10", "12345678901234567890", r#"{"b":null}"#];
        assert_eq!(run(".a[]").unwrap(), expected);
        assert_eq!(run(".a | length").unwrap(), ["4"]);
        assert_eq!(run(".a[0] | test(\"^x\")").unwrap(), ["true"]);
        for code in [".a[", "nothing_of_that_name", ".a.b"] {
            assert!(run(code).is_err(), "{code}");
        }
    }
}
