//! What a release has beside the packages: an archive for each system, and, once the address of the repository is
//! known, the formula of Homebrew and the manifest of Scoop, which name the archives and their sums.

use anyhow::{Context, Result, ensure};

use super::archive::{self, Entry};
use super::stage::{Binary, Stage, VERSION};
use super::target::TARGETS;
use crate::project;

/// The templates. `{{version}}`, `{{releases}}` and `{{sum TARGET}}` in them are replaced.
const TEMPLATES: [&str; 2] = ["dist/homebrew/nexus.rb", "dist/scoop/nexus.json"];

/// Packs an archive with the program, the manual and the licences for each binary.
pub(super) fn pack(stage: &mut Stage, binaries: &[Binary], manual: &[Entry]) -> Result<()> {
    for Binary { target, bytes } in binaries {
        let mut entries = stage.licences("")?;
        entries.push(Entry::program(target.program(), bytes.clone()));
        if target.is_windows() {
            stage.put(&target.archive(), &archive::zip(&entries)?)?;
        } else {
            entries.extend_from_slice(manual);
            let folder = format!("nexus-{VERSION}");
            stage.put(&target.archive(), &archive::tar_gz(&folder, entries)?)?;
        }
    }
    Ok(())
}

/// Fills the templates, if the archives of all systems are there.
pub(super) fn fill(stage: &mut Stage) -> Result<()> {
    let Some(repository) = stage.repository.clone() else { return Ok(()) };
    let releases = format!("{repository}/releases/download/v{VERSION}");
    for template in TEMPLATES {
        let text = project::read(&stage.project.path(template))?;
        let sum = |target: &str| {
            let target = TARGETS.iter().find(|known| known.rust == target)?;
            stage.sum_of(&target.archive()).map(str::to_owned)
        };
        let filled = filled(&text, &repository, &releases, sum)
            .with_context(|| format!("{template} cannot be filled"))?;
        let name = template.rsplit('/').next().unwrap_or(template);
        stage.put(name, filled.as_bytes())?;
    }
    Ok(())
}

fn filled(
    template: &str,
    repository: &str,
    releases: &str,
    sum: impl Fn(&str) -> Option<String>,
) -> Result<String> {
    let mut text = template
        .replace("{{version}}", VERSION)
        .replace("{{repository}}", repository)
        .replace("{{releases}}", releases);
    while let Some((before, rest)) = text.split_once("{{sum ") {
        let (target, after) = rest.split_once("}}").context("a sum has no end")?;
        let sum = sum(target).with_context(|| format!("there is no archive for {target}"))?;
        text = format!("{before}{sum}{after}");
    }
    ensure!(!text.contains("{{"), "something in it is not known");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::target::Target;
    use super::*;

    #[test]
    fn a_template_gets_the_version_the_addresses_and_the_sums() {
        let template = "{{version}} {{releases}}/a {{sum a}} {{sum b}}";
        let sum = |target: &str| Some(target.repeat(3));
        let text = filled(template, "r", "https://r.example", sum).unwrap();
        assert_eq!(text, format!("{VERSION} https://r.example/a aaa bbb"));
        assert!(filled(template, "r", "", |_| None).is_err());
        assert!(filled("{{more}}", "r", "", sum).is_err());
    }

    #[test]
    fn the_templates_name_only_archives_that_a_release_has() {
        let project = crate::project::Project::here().unwrap();
        let archives = TARGETS.map(|target| format!("/v{VERSION}/{}\"", target.archive()));
        let sum = |target: &str| Some("0".repeat(64)).filter(|_| Target::named(target).is_ok());
        for template in TEMPLATES {
            let text = project::read(&project.path(template)).unwrap();
            let releases = format!("https://r.example/v{VERSION}");
            let filled = filled(&text, "https://r.example", &releases, sum).unwrap();
            let named = filled.lines().filter(|line| line.contains(&releases));
            let mut named = named.peekable();
            assert!(named.peek().is_some());
            for line in named {
                assert!(archives.iter().any(|archive| line.contains(archive)), "{line}");
            }
            if template.contains("scoop") {
                serde_json::from_str::<serde_json::Value>(&filled).unwrap();
            }
        }
    }
}
