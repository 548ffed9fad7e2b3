//! The packages that the harmless files come from: pinned, permissively licensed, and fetched with
//! the clients of their registries.

use crate::process::{folder, once, run};
use anyhow::{Context, Result, bail};
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const TABLE: &str = include_str!("packages.tsv");

/// One package of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    registry: &'static str,
    /// Its name in the registry.
    pub(crate) name: &'static str,
    version: &'static str,
}

/// Every package.
pub(crate) fn all() -> Vec<Package> {
    let rows = TABLE.lines().skip(1).filter_map(|row| {
        let mut cells = row.split('\t');
        Some(Package { registry: cells.next()?, name: cells.next()?, version: cells.next()? })
    });
    rows.collect()
}

/// Fetches what is missing. Returns each package with its folder.
pub(crate) fn fetch() -> Result<Vec<(Package, PathBuf)>> {
    let root = folder("harmless")?;
    let packages = all();
    let crates: Vec<&Package> = packages.iter().filter(|one| one.registry == "crates").collect();
    let vendored = root.join("crates");
    if crates.iter().any(|one| !vendored_at(&vendored, one).exists()) {
        println!("Fetching {} crates ...", crates.len());
        fetch_crates(&vendored, &crates)?;
    }
    let mut fetched = Vec::new();
    for package in &packages {
        let place = if package.registry == "crates" {
            vendored_at(&vendored, package)
        } else {
            let place = root.join(package.folder());
            once(&place, |place| {
                println!("Fetching {} {} ...", package.name, package.version);
                package.unpack(place)
            })?;
            place
        };
        fetched.push((*package, place));
    }
    Ok(fetched)
}

fn vendored_at(vendored: &Path, package: &Package) -> PathBuf {
    vendored.join("vendor").join(format!("{}-{}", package.name, package.version))
}

/// Cargo unpacks crates only together with what they need, so one manifest asks for all of them.
fn fetch_crates(place: &Path, crates: &[&Package]) -> Result<()> {
    if place.exists() {
        fs::remove_dir_all(place).context("the old crates are in the way")?;
    }
    fs::create_dir_all(place).context("no folder for crates")?;
    let mut manifest = "[package]\nname = \"fetched\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
                        [lib]\npath = \"lib.rs\"\n[workspace]\n[dependencies]\n"
        .to_owned();
    for one in crates {
        writeln!(
            manifest,
            "{} = {{ version = \"={}\", default-features = false }}",
            one.name, one.version
        )?;
    }
    fs::write(place.join("Cargo.toml"), manifest).context("no manifest")?;
    fs::write(place.join("lib.rs"), "").context("no source")?;
    run(Command::new("cargo").args(["vendor", "--quiet", "--versioned-dirs"]).current_dir(place))
}

impl Package {
    fn folder(&self) -> String {
        format!("{}-{}", self.name.replace('/', "-"), self.version)
    }

    /// Puts the package's files into an empty folder.
    fn unpack(&self, place: &Path) -> Result<()> {
        let version = format!("{}=={}", self.name, self.version);
        let pip = |binary: [&str; 2]| {
            let mut command = Command::new("python3");
            command.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check"]);
            command.args(["--no-deps"]).args(binary).arg(&version).current_dir(place);
            command
        };
        match self.registry {
            "npm" => {
                let name = format!("{}@{}", self.name, self.version);
                run(Command::new("npm").args(["pack", "--silent", &name]).current_dir(place))?;
            }
            "pypi-source" => run(&mut pip(["--no-binary", self.name]))?,
            "pypi-wheel" => run(&mut pip(["--only-binary", ":all:"]))?,
            other => bail!("there is no registry {other}"),
        }
        let archive = fs::read_dir(place)?.next().context("nothing was fetched")??.path();
        if archive.extension().is_some_and(|ending| ending == "whl") {
            let mut unzip = Command::new("python3");
            run(unzip.args(["-m", "zipfile", "-e"]).arg(&archive).arg(place))?;
        } else {
            let mut untar = Command::new("tar");
            untar.arg("-xzf").arg(&archive).args(["--strip-components=1", "-C"]).arg(place);
            run(&mut untar)?;
        }
        fs::remove_file(archive).context("the archive stays")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_a_permissive_licence_for_each_package() {
        const PERMISSIVE: [&str; 7] = [
            "MIT",
            "ISC",
            "Apache-2.0",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "CDLA-Permissive-2.0",
            "MIT OR Apache-2.0",
        ];
        for row in TABLE.lines().skip(1) {
            let licence = row.split('\t').nth(3).unwrap_or_default();
            let permissive = licence.split(" AND ").all(|part| PERMISSIVE.contains(&part));
            assert!(permissive && row.split('\t').count() == 5, "{row}");
        }
        assert_eq!(all().len(), TABLE.lines().count() - 1);
    }
}
