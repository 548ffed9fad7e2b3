//! Assignments in the source code of many languages, and SQL.

use super::super::form::{
    Form,
    Maker::{Key, Password, Recipe},
    place,
};

pub(super) const FORMS: &[Form] = &[
    place(
        "javascript_key",
        Key,
        &[
            "const apiKey = \"<X>\";",
            "let token = '<X>';",
            "var clientSecret = `<X>`;",
            "export const API_KEY = '<X>'",
        ],
    ),
    place(
        "javascript_password",
        Password,
        &["const password = \"<J>\";", "let dbPassword = '<X>';", "config.password = '<X>';"],
    ),
    place(
        "javascript_object",
        Key,
        &[
            "new Client({ apiKey: \"<X>\" })",
            "axios.get(u, { headers: { 'X-Api-Key': '<X>' } })",
            "const c = { token: '<X>', region: 'eu' };",
        ],
    ),
    place(
        "javascript_env",
        Key,
        &[
            "process.env.ACME_API_KEY = \"<X>\";",
            "process.env[\"ACME_TOKEN\"] = '<X>'",
            "const key = process.env.API_KEY || '<X>';",
        ],
    ),
    place(
        "typescript",
        Password,
        &[
            "const password: string = \"<J>\";",
            "private readonly password: string = '<X>';",
            "apiPassword?: string = '<X>'",
        ],
    ),
    place(
        "python_key",
        Key,
        &[
            "api_key = \"<X>\"",
            "API_KEY = '<X>'",
            "client = Client(api_key=\"<X>\")",
            "TOKEN: str = \"<X>\"",
        ],
    ),
    place(
        "python_password",
        Password,
        &[
            "password = \"<J>\"",
            "self.password = '<X>'",
            "conn = connect(user='app', password='<X>')",
            "PASSWORD: Final = '<X>'",
        ],
    ),
    place(
        "python_environ",
        Key,
        &[
            "os.environ[\"ACME_TOKEN\"] = \"<X>\"",
            "os.environ['ACME_API_KEY'] = '<X>'",
            "os.getenv(\"API_KEY\", \"<X>\")",
            "os.environ.get('ACME_TOKEN', '<X>')",
            "os.putenv('ACME_TOKEN', '<X>')",
        ],
    ),
    place(
        "python_auth_tuple",
        Password,
        &[
            "requests.get(u, auth=(\"bob\", \"<X>\"))",
            "requests.get(u, auth=('bob', '<X>'))",
            "auth = HTTPBasicAuth('bob', '<X>')",
        ],
    ),
    place(
        "java_password",
        Password,
        &[
            "String password = \"<J>\";",
            "private static final String DB_PASSWORD = \"<J>\";",
            "props.setProperty(\"password\", \"<J>\");",
            "ds.setPassword(\"<J>\");",
        ],
    ),
    place(
        "java_key",
        Key,
        &[
            "private static final String API_KEY = \"<X>\";",
            "builder.apiKey(\"<X>\")",
            "@Value(\"${api.key:<X>}\")",
            "String apiKey = \"<X>\";",
        ],
    ),
    place(
        "kotlin",
        Key,
        &[
            "val apiKey = \"<X>\"",
            "const val API_KEY: String = \"<X>\"",
            "buildConfigField(\"String\", \"API_KEY\", \"\\\"<X>\\\"\")",
        ],
    ),
    place(
        "csharp",
        Password,
        &[
            "string password = \"<J>\";",
            "var password = @\"<X>\";",
            "public const string Password = \"<J>\";",
            "new NetworkCredential(\"bob\", \"<J>\")",
        ],
    ),
    place(
        "go_password",
        Password,
        &[
            "password := \"<J>\"",
            "const dbPassword = `<X>`",
            "var password string = \"<J>\"",
            "Config{User: \"bob\", Password: \"<J>\"}",
        ],
    ),
    place(
        "go_key",
        Key,
        &[
            "apiKey := \"<X>\"",
            "os.Setenv(\"API_KEY\", \"<X>\")",
            "req.Header.Set(\"X-Api-Key\", \"<X>\")",
            "req.SetBasicAuth(\"bob\", \"<X>\")",
        ],
    ),
    place(
        "rust",
        Key,
        &[
            "const API_KEY: &str = \"<X>\";",
            "let token = \"<X>\".to_owned();",
            "let secret: String = \"<X>\".into();",
            "Client::new().api_key(\"<X>\")",
        ],
    ),
    place(
        "rust_password",
        Password,
        &[
            "let password = \"<J>\";",
            "static DB_PASSWORD: &str = \"<J>\";",
            "password: \"<J>\".to_string(),",
        ],
    ),
    place(
        "ruby",
        Key,
        &[
            ":api_key => \"<X>\"",
            "api_key: '<X>',",
            "ENV['API_KEY'] = '<X>'",
            "config.api_key = \"<X>\"",
            "Stripe.api_key = '<X>'",
        ],
    ),
    place(
        "ruby_password",
        Password,
        &[
            ":password => '<X>'",
            "password: \"<J>\",",
            "@password = '<X>'",
            "config.password = '<X>'",
        ],
    ),
    place(
        "php",
        Password,
        &[
            "$password = '<X>';",
            "$db_pass = \"<X>\";",
            "'password' => '<X>',",
            "$config['db_password'] = '<X>';",
        ],
    ),
    place(
        "php_key",
        Key,
        &[
            "define('API_KEY', '<X>');",
            "'api_key' => '<X>',",
            "$apiKey = \"<X>\";",
            "putenv('API_KEY=<X>');",
        ],
    ),
    place(
        "php_connect",
        Password,
        &[
            "mysqli_connect('db', 'root', '<X>', 'shop');",
            "new PDO('mysql:host=db;dbname=shop', 'root', '<X>');",
        ],
    ),
    place(
        "perl",
        Password,
        &["my $password = '<X>';", "$ENV{DB_PASSWORD} = '<X>';", "password => '<X>',"],
    ),
    place(
        "swift",
        Key,
        &[
            "let apiKey = \"<X>\"",
            "static let clientSecret: String = \"<X>\"",
            "request.setValue(\"<X>\", forHTTPHeaderField: \"X-Api-Key\")",
        ],
    ),
    place("objective_c", Key, &["NSString *apiKey = @\"<X>\";", "#define API_KEY @\"<X>\""]),
    place(
        "c",
        Password,
        &[
            "#define PASSWORD \"<J>\"",
            "const char *password = \"<J>\";",
            "static char wifi_password[] = \"<J>\";",
            "std::string password = \"<J>\";",
        ],
    ),
    place(
        "c_key",
        Key,
        &[
            "#define API_KEY \"<X>\"",
            "const char* api_key = \"<X>\";",
            "std::string token{\"<X>\"};",
        ],
    ),
    place(
        "scala",
        Key,
        &["val apiKey = \"<X>\"", "api-key = \"<X>\"", "val secret: String = \"<X>\""],
    ),
    place(
        "elixir",
        Key,
        &[
            "config :app, api_key: \"<X>\"",
            "secret_key_base: \"<X>\"",
            "System.put_env(\"API_KEY\", \"<X>\")",
        ],
    ),
    place(
        "lua_dart_r",
        Key,
        &[
            "local api_key = \"<X>\"",
            "final String apiKey = '<X>';",
            "Sys.setenv(API_KEY = \"<X>\")",
            "api_key <- \"<X>\"",
        ],
    ),
    place(
        "clojure_lisp",
        Key,
        &["{:api-key \"<X>\"}", "(def api-key \"<X>\")", "(setq api-key \"<X>\")"],
    ),
    place(
        "arduino",
        Password,
        &[
            "const char* ssid = \"Home\";\nconst char* password = \"<J>\";",
            "#define WIFI_PASS \"<J>\"",
            "WiFi.begin(\"Home\", \"<J>\");",
        ],
    ),
    place(
        "vba",
        Password,
        &[
            "Dim password As String: password = \"<X>\"",
            "strPassword = \"<X>\"",
            "Const PASSWORD = \"<X>\"",
        ],
    ),
    place("batch", Key, &["set API_KEY=<X>", "SET \"ACME_TOKEN=<X>\"", "@set TOKEN=<X>"]),
    place(
        "compare",
        Password,
        &[
            "if (password == \"<J>\") {",
            "if password == '<X>':",
            "assert password != \"<J>\"",
            "if (password === '<X>') {",
        ],
    ),
    place(
        "call_login",
        Password,
        &[
            "login(\"bob\", password=\"<J>\")",
            "page.fill('#password', '<X>')",
            "await page.type('input[name=password]', '<X>');",
            "cy.get('#password').type('<X>')",
        ],
    ),
    place(
        "sql_identified",
        Password,
        &[
            "CREATE USER 'bob'@'%' IDENTIFIED BY '<X>';",
            "ALTER USER root@localhost IDENTIFIED BY '<X>';",
            "GRANT ALL ON *.* TO 'bob'@'%' IDENTIFIED BY \"<X>\";",
            "ALTER USER bob IDENTIFIED WITH mysql_native_password BY '<X>';",
        ],
    ),
    place(
        "sql_with_password",
        Password,
        &[
            "CREATE ROLE bob LOGIN WITH PASSWORD '<X>';",
            "ALTER USER bob WITH PASSWORD '<X>';",
            "CREATE USER bob WITH ENCRYPTED PASSWORD '<X>';",
            "ALTER ROLE bob PASSWORD '<X>';",
        ],
    ),
    place(
        "sql_password_equals",
        Password,
        &[
            "CREATE LOGIN bob WITH PASSWORD = '<X>';",
            "ALTER LOGIN sa WITH PASSWORD=N'<X>';",
            "SET PASSWORD FOR 'bob'@'%' = '<X>';",
            "SET PASSWORD = PASSWORD('<X>');",
        ],
    ),
    place(
        "sql_insert",
        Password,
        &[
            "INSERT INTO users (name, password) VALUES ('bob', '<X>');",
            "UPDATE users SET password = '<X>' WHERE name = 'bob';",
        ],
    ),
    place(
        "mongo_shell",
        Password,
        &[
            "db.createUser({user: \"bob\", pwd: \"<J>\", roles: [\"root\"]})",
            "db.auth('bob', '<X>')",
            "db.changeUserPassword(\"bob\", \"<J>\")",
        ],
    ),
    place(
        "ethereum_key",
        Recipe("0x{h64}"),
        &[
            "PRIVATE_KEY=<X>",
            "const privateKey = \"<X>\";",
            "cast send --private-key <X> 0xabc",
            "ETH_PRIVATE_KEY='<X>'",
        ],
    ),
    place(
        "ethereum_bare_key",
        Recipe("{h64}"),
        &["PRIVATE_KEY=<X>", "privateKey: \"<X>\"", "DEPLOYER_PRIVATE_KEY=<X>"],
    ),
    place(
        "solana_key",
        Recipe("{x88}"),
        &[
            "SOLANA_PRIVATE_KEY=<X>",
            "const secretKey = bs58.decode('<X>');",
            "\"secretKey\": \"<X>\"",
        ],
    ),
    place(
        "signing_call",
        Key,
        &[
            "jwt.sign(payload, '<X>')",
            "crypto.createHmac('sha256', '<X>')",
            "hmac.new(b\"<X>\", msg)",
        ],
    ),
    place("option_value", Password, &["Client::new().basic_auth(\"bob\", Some(\"<X>\"))"]),
    place("curl_option", Key, &["curl_setopt($ch, CURLOPT_USERPWD, 'bob:<X>');"]),
    place("escaped_as_unicode", Key, &["\\u0022password\\u0022:\\u0022<F>\\u0022"]),
];
