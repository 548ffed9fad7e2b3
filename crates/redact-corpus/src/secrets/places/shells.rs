//! Options that many programs share, and what shells set.

use super::super::form::{
    Form,
    Maker::{Key, Password},
    place,
};

pub(super) const FORMS: &[Form] = &[
    place(
        "cli_password",
        Password,
        &["deploy --user admin --password <W> --host db1", "./sync.sh --password <W>"],
    ),
    place(
        "cli_password_quoted",
        Password,
        &["deploy --password \"<X>\" --host db1", "deploy --user bob --password '<X>'"],
    ),
    place(
        "cli_password_equals",
        Password,
        &["deploy --host db1 --password=<W> --dry-run", "tool login --password=\"<X>\""],
    ),
    place(
        "cli_passwd",
        Password,
        &["tool --passwd <W> -v", "tool --pass <W> -v", "tool --pass=<W>", "tool -password <W> -v"],
    ),
    place(
        "cli_passphrase",
        Password,
        &[
            "restic-like --passphrase <W> backup",
            "tool --passphrase='<X>'",
            "ssh-keygen -t ed25519 -N '<X>' -f key",
        ],
    ),
    place(
        "cli_token",
        Key,
        &[
            "tool --token <W> list",
            "tool --token=<W> list",
            "vsce publish --pat <W>",
            "tool --auth-token <W>",
        ],
    ),
    place(
        "cli_api_key",
        Key,
        &[
            "tool --api-key <W> list",
            "tool --api-key=<W>",
            "tool --apikey <W>",
            "dotnet nuget push a.nupkg --api-key <W> --source x",
        ],
    ),
    place(
        "cli_secret",
        Key,
        &["tool --secret <W> run", "tool --client-secret=<W>", "tool --secret-key <W>"],
    ),
    place(
        "setx",
        Password,
        &["setx DB_PASSWORD <W>", "setx DB_PASSWORD \"<X>\" /M", "set DB_PASSWORD=<X>"],
    ),
    place(
        "export",
        Password,
        &[
            "export DB_PASSWORD=<W>",
            "export DB_PASSWORD='<X>'",
            "export MYSQL_ROOT_PASSWORD=\"<X>\" MODE=dev",
        ],
    ),
    place(
        "export_key",
        Key,
        &["export ACME_API_KEY=<W>", "export ACME_TOKEN='<X>'", "declare -x ACME_SECRET=\"<X>\""],
    ),
    place(
        "fish_set",
        Key,
        &["set -x ACME_API_KEY <W>", "set -gx ACME_TOKEN '<X>'", "setenv ACME_API_KEY <W>"],
    ),
    place(
        "inline_env",
        Key,
        &[
            "API_KEY=<W> node app.js",
            "env ACME_TOKEN=<W> ./run.sh",
            "sudo ACME_TOKEN=<W> ./run.sh --fast",
        ],
    ),
    place(
        "powershell_env",
        Password,
        &[
            "$env:DB_PASSWORD = \"<X>\"",
            "$env:DB_PASSWORD='<X>'",
            "[Environment]::SetEnvironmentVariable(\"DB_PASSWORD\", \"<X>\", \"User\")",
        ],
    ),
    place(
        "powershell_secure",
        Password,
        &[
            "$pw = ConvertTo-SecureString \"<X>\" -AsPlainText -Force",
            "ConvertTo-SecureString '<X>' -AsPlainText -Force",
            "ConvertTo-SecureString -String \"<X>\" -AsPlainText -Force",
        ],
    ),
    place(
        "powershell_parameter",
        Password,
        &[
            "Connect-Thing -User bob -Password \"<X>\"",
            "New-LocalUser bob -Password '<X>'",
            "Connect-AzAccount -Credential bob -ClientSecret '<X>'",
        ],
    ),
    place(
        "chpasswd",
        Password,
        &[
            "echo 'bob:<X>' | chpasswd",
            "echo \"root:<X>\" | sudo chpasswd",
            "echo -n '<X>' | passwd --stdin bob",
        ],
    ),
    place("useradd", Password, &["useradd -m bob -p <W>", "usermod --password <W> bob"]),
    place(
        "sudo_stdin",
        Password,
        &["echo '<X>' | sudo -S apt install x", "echo <W> | sudo -S reboot"],
    ),
];
