//! Files of tools, each with a form of its own.

use super::super::form::{
    Form,
    Maker::{Key, Password, Recipe},
    place,
};

pub(super) const FORMS: &[Form] = &[
    place(
        "netrc",
        Password,
        &[
            "machine api.example.com login bob password <X>",
            "machine api.example.com\n  login bob\n  password <X>\n",
            "default login bob password <X>",
        ],
    ),
    place(
        "pgpass",
        Password,
        &["db.example.com:5432:shop:app:<X>", "localhost:5432:*:postgres:<X>"],
    ),
    place(
        "my_cnf",
        Password,
        &[
            "[client]\nuser=root\npassword=<X>\nhost=db",
            "[client]\nuser = root\npassword = \"<X>\"\n",
            "[mysqldump]\npassword='<X>'\n",
        ],
    ),
    place(
        "npmrc_token",
        Key,
        &[
            "//npm.example.com/:_authToken=<X>",
            "//npm.example.com/:_authToken=\"<X>\"",
            "@acme:registry=https://npm.example.com\n//npm.example.com/:_authToken=<X>",
        ],
    ),
    place(
        "npmrc_password",
        Recipe("{!of (a20)}"),
        &["//npm.example.com/:_password=\"<X>\"", "//npm.example.com/:_password=<X>"],
    ),
    place(
        "npmrc_auth",
        Recipe("{!of bob:(a20)}"),
        &["//npm.example.com/:_auth=<X>", "_auth=\"<X>\"", "_auth = <X>"],
    ),
    place(
        "yarnrc",
        Key,
        &[
            "npmRegistries:\n  \"https://npm.example.com\":\n    npmAuthToken: \"<X>\"",
            "npmAuthToken: <X>",
        ],
    ),
    place(
        "pip_conf",
        Password,
        &[
            "[global]\nindex-url = https://bob:<U>@pypi.example.com/simple",
            "pip install --index-url https://bob:<U>@pypi.example.com/simple x",
            "--extra-index-url https://bob:<U>@pypi.example.com/simple",
        ],
    ),
    place(
        "pypirc",
        Password,
        &["[pypi]\nusername = bob\npassword = <X>\n", "[testpypi]\nusername: bob\npassword: <X>"],
    ),
    place(
        "docker_config",
        Recipe("{!of bob:(a24)}"),
        &[
            "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"<X>\"}}}",
            "{\n  \"auths\": {\n    \"r.example.com\": {\n      \"auth\": \"<X>\"\n    }\n  }\n}",
        ],
    ),
    place(
        "kubeconfig_token",
        Key,
        &["users:\n- name: bob\n  user:\n    token: <X>\n", "  user:\n    token: \"<X>\""],
    ),
    place(
        "kubeconfig_key",
        Recipe("LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ{!b64 900-1200}"),
        &["users:\n- name: bob\n  user:\n    client-key-data: <X>\n", "    client-key-data: <X>"],
    ),
    place(
        "kubernetes_secret",
        Recipe("{!of (a20)}"),
        &[
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n  password: <X>\n",
            "kind: Secret\ndata:\n  password: \"<X>\"",
        ],
    ),
    place(
        "kubernetes_secret_any",
        Recipe("{!of (a24)}"),
        &[
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n  db.conf: <X>\n",
            "kind: Secret\nmetadata:\n  name: a\ndata:\n  value: <X>",
        ],
    ),
    place(
        "kubernetes_string_data",
        Password,
        &[
            "kind: Secret\nmetadata:\n  name: db\nstringData:\n  password: <X>\n",
            "stringData:\n  DB_PASSWORD: \"<X>\"",
        ],
    ),
    place(
        "git_credentials",
        Password,
        &["https://bob:<U>@github.com", "https://bob:<U>@gitlab.example.com/x.git"],
    ),
    place(
        "hosts_yml",
        Key,
        &[
            "github.com:\n    user: bob\n    oauth_token: <X>\n    git_protocol: https",
            "gitlab.com:\n    token: <X>",
        ],
    ),
    place(
        "aws_credentials",
        Recipe("{b40}"),
        &[
            "[default]\naws_secret_access_key = <X>\nregion = eu-west-1",
            "[dev]\naws_secret_access_key=<X>",
        ],
    ),
    place(
        "rclone_conf",
        Recipe("{w40-60}"),
        &[
            "[drive]\ntype = drive\nclient_secret = <X>\nscope = drive",
            "[b2]\ntype = b2\naccount = 00a1\nkey = <X>",
        ],
    ),
    place(
        "wireguard_private",
        Recipe("{!b64 32}"),
        &[
            "[Interface]\nPrivateKey = <X>\nAddress = 10.0.0.2/32",
            "[Interface]\nAddress = 10.0.0.2/32\nPrivateKey=<X>\n",
        ],
    ),
    place(
        "wireguard_preshared",
        Recipe("{!b64 32}"),
        &["[Peer]\nPresharedKey = <X>\nAllowedIPs = 0.0.0.0/0", "PresharedKey=<X>"],
    ),
    place(
        "wpa_psk",
        Password,
        &[
            "network={\n  ssid=\"Home\"\n  psk=\"<X>\"\n}",
            "network={\n\tssid=\"Home\"\n\tpsk=\"<X>\"\n\tkey_mgmt=WPA-PSK\n}",
        ],
    ),
    place(
        "wpa_psk_hash",
        Recipe("{h64}"),
        &["network={\n  ssid=\"Home\"\n  psk=<X>\n}", "wpa_psk=<X>"],
    ),
    place("hostapd", Password, &["ssid=Home\nwpa=2\nwpa_passphrase=<X>\n", "wpa_passphrase=<X>"]),
    place(
        "networkmanager",
        Password,
        &["[wifi-security]\nkey-mgmt=wpa-psk\npsk=<X>\n", "[802-11-wireless-security]\npsk=<X>"],
    ),
    place(
        "laravel_key",
        Recipe("{!b64 32}"),
        &["APP_NAME=Laravel\nAPP_KEY=base64:<X>\nAPP_DEBUG=false", "APP_KEY=base64:<X>"],
    ),
    place(
        "django_key",
        Recipe("django-insecure-{l47}x"),
        &["SECRET_KEY = '<X>'", "SECRET_KEY = \"<X>\"\nDEBUG = True", "DJANGO_SECRET_KEY='<X>'"],
    ),
    place(
        "rails_key_base",
        Recipe("{h128}"),
        &[
            "production:\n  secret_key_base: <X>\n",
            "SECRET_KEY_BASE=<X>",
            "secret_key_base: \"<X>\"",
        ],
    ),
    place(
        "rails_master_key",
        Recipe("{h32}"),
        &[
            "RAILS_MASTER_KEY=<X>",
            "config/master.key: <X>",
            "RAILS_MASTER_KEY='<X>' bin/rails server",
        ],
    ),
    place(
        "wordpress",
        Password,
        &[
            "define('DB_PASSWORD', '<X>');",
            "define( 'DB_PASSWORD', '<X>' );",
            "define(\"DB_PASSWORD\", \"<X>\");",
        ],
    ),
    place(
        "wordpress_salt",
        Recipe("{a30}!{a10}*{a20}"),
        &[
            "define('AUTH_KEY', '<X>');",
            "define( 'SECURE_AUTH_SALT', '<X>' );",
            "define('NONCE_KEY',        '<X>');",
        ],
    ),
    place("symfony", Key, &["APP_ENV=prod\nAPP_SECRET=<X>\n", "APP_SECRET='<X>'"]),
    place(
        "nextauth",
        Recipe("{!b64 32}"),
        &["NEXTAUTH_SECRET=<X>", "NEXTAUTH_SECRET=\"<X>\"", "AUTH_SECRET=<X>"],
    ),
    place(
        "rabbitmq_conf",
        Password,
        &["default_user = bob\ndefault_pass = <X>\n", "RABBITMQ_DEFAULT_PASS=<X>"],
    ),
    place(
        "redis_conf",
        Password,
        &["maxmemory 1gb\nrequirepass <X>\n", "masterauth <X>", "requirepass \"<X>\""],
    ),
    place(
        "maven_settings",
        Password,
        &[
            "<server><id>nexus</id><username>bob</username><password><E></password></server>",
            "<server>\n  <id>x</id>\n  <password><E></password>\n</server>",
        ],
    ),
    place(
        "gradle_properties",
        Password,
        &[
            "signing.keyId=1A2B\nsigning.password=<X>\n",
            "ossrhUsername=bob\nossrhPassword=<X>",
            "RELEASE_STORE_PASSWORD=<X>",
        ],
    ),
    place(
        "nuget_config",
        Password,
        &[
            "<packageSourceCredentials><x><add key=\"Username\" value=\"bob\" /><add key=\"ClearTextPassword\" value=\"<E>\" /></x></packageSourceCredentials>",
            "<add key=\"ClearTextPassword\" value=\"<E>\" />",
        ],
    ),
    place(
        "cargo_credentials",
        Key,
        &[
            "[registry]\ntoken = \"<X>\"",
            "[registries.acme]\ntoken = \"Bearer <X>\"",
            "CARGO_REGISTRY_TOKEN=<X>",
        ],
    ),
    place(
        "gem_credentials",
        Recipe("{h48}"),
        &["---\n:rubygems_api_key: <X>\n", ":rubygems_api_key: <X>"],
    ),
    place(
        "composer_auth",
        Password,
        &[
            "{\"http-basic\":{\"repo.example.com\":{\"username\":\"bob\",\"password\":\"<J>\"}}}",
            "{\n  \"http-basic\": {\n    \"x\": {\n      \"username\": \"bob\",\n      \"password\": \"<J>\"\n    }\n  }\n}",
        ],
    ),
    place(
        "terraform_credentials",
        Key,
        &["credentials \"app.terraform.io\" {\n  token = \"<X>\"\n}"],
    ),
    place(
        "tfvars",
        Password,
        &["db_username = \"app\"\ndb_password = \"<X>\"\n", "db_password=\"<X>\""],
    ),
    place(
        "terraform_resource",
        Password,
        &[
            "resource \"aws_db_instance\" \"db\" {\n  username = \"app\"\n  password = \"<X>\"\n}",
            "variable \"db_password\" {\n  default = \"<X>\"\n}",
        ],
    ),
    place(
        "terraform_state",
        Password,
        &[
            "{\"type\":\"aws_db_instance\",\"values\":{\"master_password\":\"<J>\",\"port\":5432}}",
            "\"password\": \"<J>\",",
        ],
    ),
    place(
        "ansible_inventory",
        Password,
        &[
            "web1 ansible_host=10.0.0.5 ansible_user=root ansible_password=<W>",
            "ansible_become_password: <X>",
            "ansible_ssh_pass=<W>",
        ],
    ),
    place(
        "filezilla",
        Recipe("{!of (a14)}"),
        &[
            "<Server><Host>ftp.example.com</Host><User>bob</User><Pass encoding=\"base64\"><E></Pass></Server>",
        ],
    ),
    place(
        "tomcat_users",
        Password,
        &[
            "<user username=\"bob\" password=\"<E>\" roles=\"manager-gui\"/>",
            "<user password=\"<E>\" username=\"bob\" />",
        ],
    ),
    place(
        "web_config",
        Password,
        &["<add key=\"DbPassword\" value=\"<E>\" />", "<add key=\"SmtpPassword\" value=\"<E>\"/>"],
    ),
    place(
        "web_config_key",
        Key,
        &[
            "<add key=\"ApiKey\" value=\"<E>\"/>",
            "<add key=\"Acme:ApiKey\" value=\"<E>\" />",
            "<machineKey validationKey=\"<E>\" />",
        ],
    ),
    place(
        "android_strings",
        Key,
        &[
            "<string name=\"api_key\"><E></string>",
            "<string name=\"acme_secret\" translatable=\"false\"><E></string>",
        ],
    ),
    place(
        "plist",
        Key,
        &[
            "<key>API_KEY</key>\n<string><E></string>",
            "<key>ClientSecret</key><string><E></string>",
        ],
    ),
    place(
        "smtp_conf",
        Password,
        &[
            "[smtp.example.com]:587 bob@example.com:<X>",
            "account default\nhost smtp.example.com\nuser bob\npassword <X>\n",
        ],
    ),
    place(
        "ppp_secrets",
        Password,
        &[
            "# client server secret addresses\nbob * \"<X>\" *",
            "bob : PSK \"<X>\"",
            "user bob : EAP \"<X>\"",
        ],
    ),
    place(
        "supervisor",
        Password,
        &[
            "[inet_http_server]\nport=9001\nusername=bob\npassword=<X>\n",
            "environment=DB_PASSWORD=\"<X>\",MODE=\"prod\"",
        ],
    ),
    place(
        "systemd_environment",
        Password,
        &[
            "[Service]\nEnvironment=\"DB_PASSWORD=<W>\"\nExecStart=/bin/app",
            "Environment=DB_PASSWORD=<W>",
        ],
    ),
    place(
        "dockerfile_env",
        Password,
        &[
            "FROM node:22\nENV DB_PASSWORD=<W>\nRUN npm ci",
            "ENV DB_PASSWORD <W>",
            "ARG DB_PASSWORD=<W>",
        ],
    ),
    place(
        "jenkins",
        Password,
        &["withEnv(['DB_PASSWORD=<X>']) {", "environment {\n  DB_PASSWORD = '<X>'\n}"],
    ),
];
