//! Archives whose bytes depend on nothing but their files: sorted, of one time, of nobody, with one of two modes.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};

/// The time of every file in a tar: 26 October 1985, as `npm pack` has it. Some tools reject the year 1970.
const TAR_TIME: u64 = 499_162_500;

/// The time of every file in a zip, in its own form: 1 January 1980, the earliest.
const ZIP_TIME: [u8; 4] = [0, 0, 0x21, 0];

/// A file in an archive.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its path, with `/`.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
    pub(super) is_program: bool,
}

impl Entry {
    pub(super) fn file(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), bytes: bytes.into(), is_program: false }
    }

    pub(super) fn program(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { is_program: true, ..Self::file(path, bytes) }
    }

    fn mode(&self) -> u32 {
        if self.is_program { 0o755 } else { 0o644 }
    }
}

/// A `.tar.gz` of these files, each below this folder.
pub(super) fn tar_gz(folder: &str, mut entries: Vec<Entry>) -> Result<Vec<u8>> {
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    for entry in &entries {
        packed.write_all(&header(&format!("{folder}/{}", entry.path), entry)?)?;
        packed.write_all(&entry.bytes)?;
        let rest = entry.bytes.len().next_multiple_of(512).saturating_sub(entry.bytes.len());
        packed.write_all(&vec![0; rest])?;
    }
    packed.write_all(&[0; 1024])?;
    packed.finish().context("a tar could not be packed")
}

/// The block before a file, in the form of POSIX.
fn header(path: &str, entry: &Entry) -> Result<[u8; 512]> {
    ensure!(path.len() < 100, "`{path}` is too long a path for a tar");
    let mut header = [0; 512];
    let mut put = |at: usize, text: &str| {
        let places = header.get_mut(at..).unwrap_or_default();
        places.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
    };
    put(0, path);
    put(100, &format!("{:07o}", entry.mode()));
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{:011o}", entry.bytes.len()));
    put(136, &format!("{TAR_TIME:011o}"));
    put(148, "        ");
    put(156, "0");
    put(257, "ustar");
    put(263, "00");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let sum = format!("{sum:06o}\0 ");
    let places = header.get_mut(148..156).unwrap_or_default();
    places.copy_from_slice(sum.as_bytes());
    Ok(header)
}

/// A `.zip` of these files, in this order.
pub(super) fn zip(entries: &[Entry]) -> Result<Vec<u8>> {
    let (mut packed, mut list) = (Vec::new(), Vec::new());
    for entry in entries {
        let begin = size(packed.len())?;
        let mut crc = Crc::new();
        crc.update(&entry.bytes);
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
        deflated.write_all(&entry.bytes)?;
        let deflated = deflated.finish()?;
        let name = u16::try_from(entry.path.len())?;
        // Needs version 2.0; names are UTF-8; deflated.
        let mut common = vec![20, 0, 0, 8, 8, 0];
        common.extend(ZIP_TIME);
        common.extend(crc.sum().to_le_bytes());
        common.extend(size(deflated.len())?);
        common.extend(size(entry.bytes.len())?);
        common.extend(name.to_le_bytes());
        common.extend([0, 0]);
        packed.extend(b"PK\x03\x04");
        packed.extend(&common);
        packed.extend(entry.path.as_bytes());
        packed.extend(deflated);
        // Made by Unix, so that the modes count.
        list.extend(b"PK\x01\x02\x14\x03");
        list.extend(common);
        list.extend([0; 6]);
        list.extend(((entry.mode() | 0o100_000) << 16).to_le_bytes());
        list.extend(begin);
        list.extend(entry.path.as_bytes());
    }
    let (begin, length) = (size(packed.len())?, size(list.len())?);
    let count = u16::try_from(entries.len())?.to_le_bytes();
    packed.extend(list);
    packed.extend(b"PK\x05\x06\0\0\0\0");
    packed.extend([count, count].concat());
    packed.extend([length, begin].concat());
    packed.extend([0, 0]);
    Ok(packed)
}

/// A length or a place in a zip.
fn size(bytes: usize) -> Result<[u8; 4]> {
    let bytes = u32::try_from(bytes).context("a zip has at most 4 GiB here")?;
    Ok(bytes.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::MetadataExt, path::Path, process::Command};

    fn entries() -> Vec<Entry> {
        vec![
            Entry::program("bin/run", "#!/bin/sh\n"),
            Entry::file("a.txt", vec![b'x'; 100_000]),
            Entry::file("empty", ""),
            Entry::file("block", vec![7; 512]),
        ]
    }

    /// What these commands unpack is what was packed.
    fn unpacks(archive: &[u8], file: &str, folder: &str, command: &[&str]) {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join(file), archive).unwrap();
        let [program, arguments @ ..] = command else { unreachable!() };
        let mut command = Command::new(program);
        let output = command.args(arguments).arg(file).current_dir(place.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for entry in entries() {
            let path = place.path().join(folder).join(&entry.path);
            assert_eq!(fs::read(&path).unwrap(), entry.bytes, "{}", entry.path);
            assert_eq!(mode(&path), if *program == "tar" { entry.mode() } else { mode(&path) });
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn other_programs_unpack_what_is_packed() {
        let tar = tar_gz("package", entries()).unwrap();
        unpacks(&tar, "a.tgz", "package", &["tar", "xpzf"]);
        let zip = zip(&entries()).unwrap();
        unpacks(
            &zip,
            "a.zip",
            "",
            &[
                "python3",
                "-c",
                "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; assert z.getinfo('bin/run').external_attr >> 16 == 0o100755; z.extractall()",
            ],
        );
    }

    #[test]
    fn the_order_in_which_files_were_found_does_not_matter() {
        let mut turned = entries();
        turned.reverse();
        assert_eq!(tar_gz("a", entries()).unwrap(), tar_gz("a", turned).unwrap());
    }

    #[test]
    fn a_long_path_is_refused_and_not_cut() {
        assert!(tar_gz("package", vec![Entry::file("x".repeat(100), "")]).is_err());
    }
}
