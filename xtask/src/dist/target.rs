//! The systems for which there is a built client, and what each kind of package calls them.

use anyhow::{Context, Result};

/// A system.
#[derive(Debug)]
pub(super) struct Target {
    /// Its name in Rust, and in the names of the binaries and of the archives.
    pub(super) rust: &'static str,
    /// Its name in the npm package, which is `process.platform` and `process.arch`.
    pub(super) npm: &'static str,
    pub(super) os: &'static str,
    pub(super) cpu: &'static str,
    /// The C library, for npm: where there are two.
    pub(super) libc: Option<&'static str>,
    /// The platform tag of the wheel. On Linux the C library that the binary needs is put in front.
    pub(super) wheel: &'static str,
    /// What stands where in every program for it.
    mark: (usize, &'static [u8]),
}

/// Every system. A test compares this with `.github/workflows/release.yml`.
pub(super) const TARGETS: [Target; 5] = [
    Target {
        rust: "x86_64-unknown-linux-gnu",
        npm: "linux-x64",
        os: "linux",
        cpu: "x64",
        libc: Some("glibc"),
        wheel: "x86_64",
        mark: (18, &[62, 0]),
    },
    Target {
        rust: "aarch64-unknown-linux-gnu",
        npm: "linux-arm64",
        os: "linux",
        cpu: "arm64",
        libc: Some("glibc"),
        wheel: "aarch64",
        mark: (18, &[183, 0]),
    },
    Target {
        rust: "x86_64-apple-darwin",
        npm: "darwin-x64",
        os: "darwin",
        cpu: "x64",
        libc: None,
        wheel: "macosx_11_0_x86_64",
        mark: (0, b"\xcf\xfa\xed\xfe\x07\0\0\x01"),
    },
    Target {
        rust: "aarch64-apple-darwin",
        npm: "darwin-arm64",
        os: "darwin",
        cpu: "arm64",
        libc: None,
        wheel: "macosx_11_0_arm64",
        mark: (0, b"\xcf\xfa\xed\xfe\x0c\0\0\x01"),
    },
    Target {
        rust: "x86_64-pc-windows-msvc",
        npm: "win32-x64",
        os: "win32",
        cpu: "x64",
        libc: None,
        wheel: "win_amd64",
        mark: (0, b"MZ"),
    },
];

impl Target {
    /// The target of this name in Rust.
    pub(super) fn named(rust: &str) -> Result<&'static Self> {
        let found = TARGETS.iter().find(|target| target.rust == rust);
        found.with_context(|| format!("there are no packages for {rust}"))
    }

    /// Whether this may be a program for it, and is none for another.
    pub(super) fn is_for(&self, program: &[u8]) -> bool {
        let (at, mark) = self.mark;
        program.get(at..).is_some_and(|rest| rest.starts_with(mark))
    }

    pub(super) fn is_windows(&self) -> bool {
        self.os == "win32"
    }

    pub(super) fn is_linux(&self) -> bool {
        self.os == "linux"
    }

    /// The file name of the program.
    pub(super) fn program(&self) -> &'static str {
        if self.is_windows() { "nexus.exe" } else { "nexus" }
    }

    /// The file name of the binary beside those of other systems.
    pub(super) fn file(&self) -> String {
        let suffix = if self.is_windows() { ".exe" } else { "" };
        format!("nexus-{}{suffix}", self.rust)
    }

    /// The file name of the archive with the program, its manual and its licences.
    pub(super) fn archive(&self) -> String {
        let suffix = if self.is_windows() { "zip" } else { "tar.gz" };
        format!("nexus-{}.{suffix}", self.rust)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{self, Project};

    #[test]
    fn this_program_is_for_this_machine_and_for_no_other() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let fitting: Vec<&str> =
            TARGETS.iter().filter(|it| it.is_for(&program)).map(|it| it.rust).collect();
        let [fitting] = fitting.as_slice() else { panic!("{fitting:?}") };
        assert!(fitting.starts_with(std::env::consts::ARCH), "{fitting}");
    }

    #[test]
    fn the_release_builds_every_target() {
        let project = Project::here().unwrap();
        let release = project::read(&project.path(".github/workflows/release.yml")).unwrap();
        let built = release.lines().filter_map(|line| line.trim().strip_prefix("- { target: "));
        let built: Vec<&str> = built.filter_map(|rest| rest.split(',').next()).collect();
        assert_eq!(built, TARGETS.map(|target| target.rust));
    }
}
