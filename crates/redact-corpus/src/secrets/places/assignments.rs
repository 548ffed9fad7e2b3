//! Assignments in environment files, YAML, TOML, INI, properties, JSON and XML.

use super::super::form::{
    Form,
    Maker::{Key, Letters, Password, Recipe, Weak},
    place,
};

pub(super) const FORMS: &[Form] = &[
    place(
        "env_password",
        Password,
        &[
            "DB_PASSWORD=<X>",
            "MYSQL_ROOT_PASSWORD=<X>\nMODE=dev",
            "MODE=dev\nSMTP_PASS=<X>\nPORT=25",
            "ADMIN_PWD=<X>",
        ],
    ),
    place(
        "env_password_quoted",
        Password,
        &["DB_PASSWORD=\"<X>\"", "DB_PASSWORD='<X>'\nMODE=dev", "DB_PASSWORD = \"<X>\""],
    ),
    place(
        "env_api_key",
        Key,
        &["API_KEY=<X>", "ACME_API_KEY=<X>\nMODE=dev", "ACME_APIKEY=<X>", "VITE_ACME_API_KEY=<X>"],
    ),
    place("env_api_key_quoted", Key, &["API_KEY=\"<X>\"", "ACME_API_KEY='<X>'\nMODE=dev"]),
    place(
        "env_token",
        Key,
        &["ACME_TOKEN=<X>", "AUTH_TOKEN=<X>\nMODE=dev", "BOT_TOKEN=\"<X>\"", "ACCESS_TOKEN=<X>"],
    ),
    place(
        "env_secret",
        Key,
        &[
            "CLIENT_SECRET=<X>",
            "JWT_SECRET=<X>\nMODE=dev",
            "SESSION_SECRET=\"<X>\"",
            "WEBHOOK_SECRET=<X>",
            "COOKIE_SECRET=<X>",
        ],
    ),
    place(
        "env_keys",
        Key,
        &[
            "ENCRYPTION_KEY=<X>",
            "SIGNING_KEY=<X>",
            "PRIVATE_KEY=<X>",
            "ACCESS_KEY=<X>",
            "MASTER_KEY=<X>",
            "ACCOUNT_KEY=<X>",
            "SECRET_KEY=<X>",
            "AUTH_KEY=<X>",
        ],
    ),
    place(
        "env_uuid_key",
        Recipe("{!uuid}"),
        &[
            "HEROKU_API_KEY=<X>",
            "SNYK_TOKEN=<X>",
            "POSTMARK_API_TOKEN=<X>",
            "API_KEY=<X>",
            "RAILWAY_TOKEN=<X>",
            "SCW_SECRET_KEY=<X>",
        ],
    ),
    place(
        "letters_client_secret",
        Letters,
        &[
            "client_secret=<X>",
            "CLIENT_SECRET: <X>",
            "\"client_secret\": \"<X>\"",
            "client_secret = '<X>'",
        ],
    ),
    place(
        "letters_api_key",
        Letters,
        &["API_KEY=<X>", "api_key: <X>", "\"apiKey\": \"<X>\"", "token = \"<X>\""],
    ),
    place(
        "yaml_password",
        Password,
        &["db:\n  user: app\n  password: <X>\n  host: db", "password: <X>", "adminPassword: <X>"],
    ),
    place(
        "yaml_password_quoted",
        Password,
        &[
            "db:\n  user: app\n  password: \"<X>\"\n  host: db",
            "password: '<X>'",
            "  - password: \"<X>\"",
        ],
    ),
    place(
        "yaml_key",
        Key,
        &[
            "acme:\n  api_key: <X>\n",
            "apiKey: <X>",
            "acme:\n  secret: \"<X>\"\n  region: eu",
            "token: '<X>'",
            "clientSecret: <X>",
        ],
    ),
    place(
        "yaml_flow",
        Password,
        &["db: {user: app, password: \"<X>\", host: db}", "{ user: bob, password: '<X>' }"],
    ),
    place("yaml_block", Password, &["password: |\n  <X>\nuser: bob", "password: >-\n  <X>\n"]),
    place(
        "toml_password",
        Password,
        &[
            "[database]\nuser = \"app\"\npassword = \"<J>\"\n",
            "password = '<X>'",
            "db = { user = \"app\", password = \"<J>\" }",
        ],
    ),
    place(
        "toml_key",
        Key,
        &[
            "[acme]\napi_key = \"<X>\"\n",
            "api-key = \"<X>\"",
            "secret_key = '<X>'",
            "[acme]\ntoken = \"<X>\"",
        ],
    ),
    place(
        "ini_password",
        Password,
        &["[db]\nuser = app\npassword = <X>\n", "[smtp]\nhost=mail\npass=<X>\n", "passwd = <X>"],
    ),
    place(
        "ini_key",
        Key,
        &["[acme]\napi_key = <X>\n", "secret = <X>\nregion = eu", "auth_token: <X>"],
    ),
    place(
        "properties_password",
        Password,
        &[
            "spring.datasource.username=app\nspring.datasource.password=<X>\n",
            "db.password=<X>",
            "mail.smtp.password: <X>",
        ],
    ),
    place(
        "properties_key",
        Key,
        &[
            "acme.api.key=<X>",
            "acme.client-secret=<X>\nacme.region=eu",
            "app.jwt.secret=<X>",
            "acme.apiKey=<X>",
        ],
    ),
    place(
        "json_password",
        Password,
        &[
            "{\"user\":\"bob\",\"password\":\"<J>\"}",
            "{\n  \"password\": \"<J>\",\n  \"user\": \"bob\"\n}",
            "\"db_password\": \"<J>\"",
            "{\"userPassword\":\"<J>\"}",
        ],
    ),
    place(
        "json_key",
        Key,
        &[
            "{\"apiKey\":\"<X>\",\"region\":\"eu\"}",
            "{\n  \"api_key\": \"<X>\"\n}",
            "{\"clientSecret\":\"<X>\"}",
            "{\"secret\":\"<X>\"}",
            "{\"token\":\"<X>\"}",
        ],
    ),
    place(
        "json_spread",
        Key,
        &[
            "{ \"apiKey\" : \"<X>\" }",
            "{\"credentials\":{\"accessKey\":\"x\",\"secretKey\":\"<X>\"}}",
            "{\n\t\"auth_token\" :\t\"<X>\"\n}",
        ],
    ),
    place(
        "json_single_quotes",
        Password,
        &["{'user': 'bob', 'password': '<X>'}", "{'db_password': '<X>'}"],
    ),
    place(
        "xml_element",
        Password,
        &[
            "<user>bob</user><password><E></password>",
            "<db>\n  <password><E></password>\n</db>",
            "<Passwd><E></Passwd>",
            "<ns:Password><E></ns:Password>",
        ],
    ),
    place(
        "xml_attribute",
        Password,
        &[
            "<db user=\"app\" password=\"<E>\" host=\"db\"/>",
            "<connection pwd=\"<E>\"/>",
            "<property name=\"password\" value=\"<E>\"/>",
        ],
    ),
    place(
        "xml_key",
        Key,
        &[
            "<apiKey><E></apiKey>",
            "<acme apiKey=\"<E>\"/>",
            "<clientSecret><E></clientSecret>",
            "<token><E></token>",
        ],
    ),
    place("xml_cdata", Password, &["<password><![CDATA[<W>]]></password>"]),
    place(
        "weak_colon",
        Weak,
        &["password: <X>", "Password: <X>", "user: bob\npassword: <X>", "PASSWORD: <X>"],
    ),
    place(
        "weak_equals",
        Weak,
        &["password=<X>", "DB_PASSWORD=<X>", "passwd = <X>", "pwd=<X>", "pass=<X>"],
    ),
    place(
        "weak_quoted",
        Weak,
        &[
            "password = \"<X>\"",
            "\"password\": \"<X>\"",
            "password: '<X>'",
            "{\"user\":\"bob\",\"pass\":\"<X>\"}",
        ],
    ),
    place(
        "weak_command",
        Weak,
        &[
            "mysql -u root -p<W> shop",
            "sshpass -p <W> ssh bob@host",
            "curl -u bob:<W> https://example.com",
            "tool --password <W>",
        ],
    ),
    place(
        "weak_address",
        Weak,
        &["postgres://app:<U>@db/shop", "https://bob:<U>@example.com/", "redis://:<U>@cache:6379"],
    ),
    place(
        "padded_table",
        Password,
        &["password    : <X>", "password\t<X>", "| password | <W> |", "Password:     <X>"],
    ),
    place(
        "user_pass_pair",
        Password,
        &[
            "user/pass: bob/<X>",
            "login: bob password: <X>",
            "user=bob password=<X>",
            "username: bob, password: <X>",
        ],
    ),
];
