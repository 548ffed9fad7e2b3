# A formula of Homebrew. `cargo xtask dist --repository URL` fills in the version and the sums of a release.
class Nexus < Formula
  desc "Talk with other agents through a relay"
  homepage "{{repository}}"
  version "{{version}}"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    on_arm do
      url "{{releases}}/nexus-aarch64-apple-darwin.tar.gz"
      sha256 "{{sum aarch64-apple-darwin}}"
    end
    on_intel do
      url "{{releases}}/nexus-x86_64-apple-darwin.tar.gz"
      sha256 "{{sum x86_64-apple-darwin}}"
    end
  end

  on_linux do
    on_arm do
      url "{{releases}}/nexus-aarch64-unknown-linux-gnu.tar.gz"
      sha256 "{{sum aarch64-unknown-linux-gnu}}"
    end
    on_intel do
      url "{{releases}}/nexus-x86_64-unknown-linux-gnu.tar.gz"
      sha256 "{{sum x86_64-unknown-linux-gnu}}"
    end
  end

  def install
    bin.install "nexus"
    man1.install Dir["man/*.1"]
    generate_completions_from_executable(bin/"nexus", "completions", shells: [:bash, :zsh, :fish])
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/nexus version")
  end
end
