//! Which C library a Linux program needs, read from the program itself.

use anyhow::{Context, Result, bail, ensure};

/// A section that lists the versions of symbols that a program needs, by library.
const VERSION_NEEDS: u32 = 0x6fff_fffe;

/// The oldest C library for which there are wheels for every processor.
const OLDEST: (u32, u32) = (2, 17);

/// The platform tag of a wheel with this program: the oldest glibc on which it starts.
pub(super) fn manylinux(program: &[u8], processor: &str) -> Result<String> {
    let mut newest = OLDEST;
    for version in needed(program)? {
        let Some(numbers) = version.strip_prefix("GLIBC_") else { continue };
        let mut parts = numbers.split('.').map(str::parse::<u32>);
        let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
            bail!("`{version}` is no version of glibc that other systems have");
        };
        newest = newest.max((major, minor));
    }
    Ok(format!("manylinux_{}_{}_{processor}", newest.0, newest.1))
}

/// The names of all versions that a program needs of its libraries, such as `GLIBC_2.34`.
fn needed(program: &[u8]) -> Result<Vec<String>> {
    ensure!(
        program.starts_with(b"\x7fELF\x02\x01"),
        "the program for Linux is no ELF file of 64 bits in the order of Intel and ARM"
    );
    let elf = Elf(program);
    let (sections, size) = (elf.long(0x28)?, u64::from(elf.short(0x3a)?));
    let header = |number: u32| add(sections, size.checked_mul(number.into()).context("too far")?);
    for number in 0..u32::from(elf.short(0x3c)?) {
        let section = header(number)?;
        if elf.word(add(section, 4)?)? == VERSION_NEEDS {
            let names = header(elf.word(add(section, 0x28)?)?)?;
            let names = elf.long(add(names, 0x18)?)?;
            let count = elf.word(add(section, 0x2c)?)?;
            return elf.versions(elf.long(add(section, 0x18)?)?, count, names);
        }
    }
    bail!("the program for Linux says nothing of the libraries that it needs")
}

struct Elf<'a>(&'a [u8]);

impl Elf<'_> {
    /// Reads the list of libraries that begins here, each with a list of versions.
    fn versions(&self, first: u64, count: u32, names: u64) -> Result<Vec<String>> {
        let (mut library, mut found) = (first, Vec::new());
        for _ in 0..count {
            let mut version = add(library, self.word(add(library, 8)?)?.into())?;
            for _ in 0..self.short(add(library, 2)?)? {
                let name = add(names, self.word(add(version, 8)?)?.into())?;
                found.push(self.text(name)?);
                version = add(version, self.word(add(version, 12)?)?.into())?;
            }
            library = add(library, self.word(add(library, 12)?)?.into())?;
        }
        Ok(found)
    }

    fn bytes<const N: usize>(&self, at: u64) -> Result<[u8; N]> {
        let at = usize::try_from(at)?;
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk());
        bytes.copied().context("the program for Linux is cut off")
    }

    fn short(&self, at: u64) -> Result<u16> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn word(&self, at: u64) -> Result<u32> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    fn long(&self, at: u64) -> Result<u64> {
        self.bytes(at).map(u64::from_le_bytes)
    }

    fn text(&self, at: u64) -> Result<String> {
        let rest = self.0.get(usize::try_from(at)?..).unwrap_or_default();
        let name = rest.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8(name.to_vec()).context("a name in the program for Linux is no text")
    }
}

fn add(at: u64, more: u64) -> Result<u64> {
    at.checked_add(more).context("the program for Linux points outside of itself")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, process::Command};

    #[test]
    #[cfg(target_os = "linux")]
    fn the_versions_of_this_test_are_those_that_objdump_finds() {
        let path = env::current_exe().unwrap();
        let mut found = needed(&fs::read(&path).unwrap()).unwrap();
        found.sort();
        let told = Command::new("objdump").arg("-p").arg(path).output().unwrap().stdout;
        let told = String::from_utf8(told).unwrap();
        let needs = told.split("Version References:").nth(1).unwrap();
        let names = needs.lines().filter(|line| line.contains("0x"));
        let mut names: Vec<&str> =
            names.filter_map(|line| line.split_whitespace().last()).collect();
        names.sort_unstable();
        assert_eq!(found, names);
        assert!(found.iter().any(|version| version.starts_with("GLIBC_2.")));
    }

    #[test]
    fn what_is_no_program_is_refused() {
        for bytes in [&b""[..], b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF\x02\x01\x01"] {
            assert!(manylinux(bytes, "x86_64").is_err());
        }
    }
}
