//! Headers of HTTP, cookies, addresses and connection strings.

use super::super::form::{
    Form,
    Maker::{Key, Password, Recipe},
    place,
};

pub(super) const FORMS: &[Form] = &[
    place(
        "bearer",
        Key,
        &[
            "Authorization: Bearer <X>",
            "authorization: bearer <X>",
            "GET /v1 HTTP/1.1\nHost: api.example.com\nAuthorization: Bearer <X>\nAccept: */*",
        ],
    ),
    place(
        "bearer_dotted",
        Recipe("{w20}.{w40}.{w9}x"),
        &["Authorization: Bearer <X>", "\"Authorization\": \"Bearer <X>\""],
    ),
    place(
        "bearer_letters",
        Recipe("{A32}"),
        &["Authorization: Bearer <X>", "{\"Authorization\":\"Bearer <X>\"}"],
    ),
    place(
        "bearer_json",
        Key,
        &[
            "{\"headers\":{\"Authorization\":\"Bearer <X>\"}}",
            "headers: { Authorization: 'Bearer <X>' }",
            "headers = {\"Authorization\": \"Bearer <X>\"}",
        ],
    ),
    place(
        "basic",
        Recipe("{!of bob:(a16)}"),
        &[
            "Authorization: Basic <X>",
            "authorization: Basic <X>\nAccept: */*",
            "{\"Authorization\":\"Basic <X>\"}",
        ],
    ),
    place(
        "basic_key_only",
        Recipe("{!of (a32):}"),
        &["Authorization: Basic <X>", "'Authorization': 'Basic <X>'"],
    ),
    place(
        "authorization_token",
        Key,
        &[
            "Authorization: Token <X>",
            "Authorization: token <X>",
            "Authorization: Token token=<X>",
            "Authorization: Token token=\"<X>\"",
        ],
    ),
    place(
        "authorization_raw",
        Key,
        &["Authorization: <X>", "authorization: <X>\nAccept: */*", "\"Authorization\": \"<X>\""],
    ),
    place(
        "authorization_other",
        Key,
        &[
            "Authorization: ApiKey <X>",
            "Authorization: Bot <X>",
            "Authorization: GenieKey <X>",
            "Authorization: Key <X>",
            "Authorization: Klaviyo-API-Key <X>",
        ],
    ),
    place(
        "proxy_authorization",
        Recipe("{!of bob:(a12)}"),
        &["Proxy-Authorization: Basic <X>", "proxy-authorization: Basic <X>\nHost: example.com"],
    ),
    place(
        "x_api_key",
        Key,
        &[
            "X-Api-Key: <X>",
            "x-api-key: <X>",
            "X-API-KEY: <X>\nAccept: */*",
            "\"x-api-key\": \"<X>\"",
        ],
    ),
    place(
        "x_auth_token",
        Key,
        &[
            "X-Auth-Token: <X>",
            "x-auth-token: <X>\nHost: example.com",
            "X-Access-Token: <X>",
            "X-Session-Token: <X>",
        ],
    ),
    place(
        "subscription_key",
        Recipe("{h32}"),
        &["Ocp-Apim-Subscription-Key: <X>", "'Ocp-Apim-Subscription-Key': '<X>'"],
    ),
    place(
        "private_token_header",
        Key,
        &[
            "PRIVATE-TOKEN: <X>",
            "Private-Token: <X>",
            "JOB-TOKEN: <X>",
            "curl --header 'PRIVATE-TOKEN: <X>' https://gitlab.example.com",
        ],
    ),
    place(
        "functions_key",
        Recipe("{w54}=="),
        &["x-functions-key: <X>", "https://acme.azurewebsites.net/api/f?code=<U>"],
    ),
    place("apikey_header", Key, &["apikey: <X>", "Api-Key: <X>", "api-key: <X>", "ApiKey: <X>"]),
    place(
        "vendor_headers",
        Key,
        &[
            "X-Shopify-Access-Token: <X>",
            "DD-API-KEY: <X>",
            "X-Vault-Token: <X>",
            "X-RapidAPI-Key: <X>",
            "X-Auth-Key: <X>",
            "xi-api-key: <X>",
            "X-Figma-Token: <X>",
            "X-GitHub-Token: <X>",
            "Circle-Token: <X>",
            "X-Postmark-Server-Token: <X>",
            "X-Amz-Security-Token: <X>",
        ],
    ),
    place(
        "webhook_signature_secret",
        Key,
        &["X-Webhook-Secret: <X>", "X-Gitlab-Token: <X>", "X-Telegram-Bot-Api-Secret-Token: <X>"],
    ),
    place(
        "cookie",
        Key,
        &[
            "Cookie: session=<X>",
            "Cookie: theme=dark; sessionid=<S>; lang=en",
            "cookie: connect.sid=<S>; theme=dark",
        ],
    ),
    place(
        "cookie_frameworks",
        Key,
        &[
            "Cookie: PHPSESSID=<S>; lang=en",
            "Cookie: JSESSIONID=<S>",
            "Cookie: _gitlab_session=<S>; x=1",
            "Cookie: ASP.NET_SessionId=<S>",
            "Cookie: laravel_session=<S>",
            "Cookie: auth_token=<S>; ct0=1",
        ],
    ),
    place(
        "set_cookie",
        Key,
        &[
            "Set-Cookie: session=<S>; Path=/; HttpOnly",
            "set-cookie: sid=<S>; Secure; SameSite=Lax",
            "Set-Cookie: access_token=<S>; Path=/",
        ],
    ),
    place(
        "curl_cookie",
        Key,
        &[
            "curl -b 'session=<X>' https://example.com",
            "curl --cookie \"sessionid=<X>\" https://example.com",
        ],
    ),
    place(
        "query_api_key",
        Key,
        &[
            "https://api.example.com/v1/x?api_key=<U>&page=2",
            "https://api.example.com/v1?page=2&apikey=<U>",
            "GET /v1/x?key=<U>&q=1 HTTP/1.1",
            "https://api.example.com/v1?api-key=<U>",
        ],
    ),
    place(
        "query_token",
        Key,
        &[
            "https://api.example.com/v1/x?access_token=<U>",
            "https://example.com/feed?user=bob&token=<U>&n=3",
            "wss://example.com/ws?auth_token=<U>",
            "https://example.com/#access_token=<U>&token_type=bearer",
        ],
    ),
    place(
        "query_secret",
        Key,
        &[
            "https://example.com/hook?secret=<U>&x=1",
            "https://example.com/oauth/token?client_id=app&client_secret=<U>",
            "https://example.com/?sig=<U>&v=1",
        ],
    ),
    place(
        "query_password",
        Password,
        &[
            "https://example.com/login?user=bob&password=<U>",
            "https://example.com/login?password=<U>&user=bob",
            "POST /login?passwd=<U>",
        ],
    ),
    place(
        "query_reset",
        Key,
        &[
            "https://example.com/reset?reset_token=<U>",
            "https://example.com/reset-password?token=<U>",
            "https://example.com/invite?invite_token=<U>",
        ],
    ),
    place(
        "query_signature",
        Recipe("{h64}"),
        &[
            "https://b.s3.amazonaws.com/a.txt?X-Amz-Date=20260301T000000Z&X-Amz-Signature=<X>",
            "https://storage.googleapis.com/b/a?X-Goog-Expires=900&X-Goog-Signature=<X>",
        ],
    ),
    place(
        "form_body",
        Password,
        &["grant_type=password&username=bob&password=<U>&scope=all", "username=bob&password=<U>"],
    ),
    place(
        "form_client_secret",
        Key,
        &[
            "grant_type=client_credentials&client_id=app&client_secret=<U>",
            "client_secret=<U>&grant_type=refresh_token&client_id=a",
        ],
    ),
    place(
        "form_refresh_token",
        Key,
        &[
            "grant_type=refresh_token&refresh_token=<U>",
            "{\"token_type\":\"bearer\",\"refresh_token\":\"<X>\",\"expires_in\":3600}",
        ],
    ),
    place(
        "oauth_response",
        Key,
        &[
            "{\"access_token\":\"<X>\",\"token_type\":\"Bearer\",\"expires_in\":3600}",
            "{\n  \"token_type\": \"bearer\",\n  \"access_token\": \"<X>\"\n}",
        ],
    ),
    place(
        "id_session",
        Key,
        &[
            "{\"sessionToken\":\"<X>\",\"user\":\"bob\"}",
            "{\"user\":\"bob\",\"session_token\":\"<X>\"}",
            "{\"authToken\":\"<X>\"}",
        ],
    ),
    place(
        "url_https",
        Password,
        &["https://bob:<U>@intranet.example.com/x", "http://admin:<U>@10.0.0.5:8080/"],
    ),
    place(
        "url_ftp",
        Password,
        &["ftp://bob:<U>@ftp.example.com/a.zip", "sftp://bob:<U>@host.example.com:22/x"],
    ),
    place(
        "url_proxy",
        Password,
        &[
            "HTTPS_PROXY=http://bob:<U>@proxy.example.com:3128",
            "http_proxy=http://bob:<U>@proxy:8080 curl x",
        ],
    ),
    place(
        "url_smtp",
        Password,
        &[
            "smtp://bob:<U>@smtp.example.com:587",
            "smtps://bob%40example.com:<U>@smtp.example.com:465",
        ],
    ),
    place(
        "url_postgres",
        Password,
        &[
            "postgres://app:<U>@db.example.com:5432/shop",
            "DATABASE_URL=postgresql://app:<U>@db/shop?sslmode=require",
            "postgresql+psycopg2://app:<U>@db/shop",
        ],
    ),
    place(
        "url_postgres_query",
        Password,
        &[
            "postgresql://db.example.com/shop?user=app&password=<U>",
            "jdbc:postgresql://db:5432/shop?user=app&password=<U>",
        ],
    ),
    place(
        "url_mysql",
        Password,
        &[
            "mysql://root:<U>@db:3306/shop",
            "mysql+pymysql://root:<U>@db/shop",
            "DB_URL=mysql2://root:<U>@db/shop",
        ],
    ),
    place(
        "url_mongodb",
        Password,
        &[
            "mongodb://admin:<U>@db:27017/?authSource=admin",
            "mongodb+srv://app:<U>@cluster0.abcde.mongodb.net/shop",
        ],
    ),
    place(
        "url_redis",
        Password,
        &[
            "redis://:<U>@cache:6379/0",
            "rediss://default:<U>@cache.example.com:6380",
            "REDIS_URL=redis://:<U>@cache:6379",
        ],
    ),
    place(
        "url_amqp",
        Password,
        &["amqp://bob:<U>@mq:5672/vhost", "amqps://bob:<U>@mq.example.com/x"],
    ),
    place(
        "url_other",
        Password,
        &[
            "clickhouse://app:<U>@ch:9000/x",
            "mssql+pyodbc://sa:<U>@db/shop?driver=x",
            "nats://bob:<U>@nats:4222",
            "mqtt://bob:<U>@broker:1883",
            "ldap://cn=admin:<U>@dc:389",
            "rtsp://admin:<U>@10.0.0.9:554/live",
        ],
    ),
    place(
        "url_cloudinary",
        Recipe("{w27}"),
        &[
            "CLOUDINARY_URL=cloudinary://123456789012345:<X>@acme",
            "cloudinary://123456789012345:<X>@acme",
        ],
    ),
    place(
        "url_user_token",
        Key,
        &[
            "https://<U>@git.example.com/x.git",
            "https://<U>:x-oauth-basic@git.example.com/x.git",
            "https://<U>@github.com/a/b.git",
        ],
    ),
    place(
        "jdbc",
        Password,
        &[
            "jdbc:mysql://db:3306/shop?user=root&password=<U>&useSSL=false",
            "jdbc:sqlserver://db:1433;databaseName=shop;user=sa;password=<S>;encrypt=true",
            "jdbc:oracle:thin:scott/<W>@//db:1521/XE",
        ],
    ),
    place(
        "ado",
        Password,
        &[
            "Server=db;Database=shop;User Id=sa;Password=<S>;",
            "Server=tcp:db,1433;Initial Catalog=shop;User ID=sa;Password=<S>;Encrypt=True",
            "Host=db;Username=app;Password=<S>;Database=shop",
        ],
    ),
    place(
        "ado_pwd",
        Password,
        &[
            "Server=db;Uid=root;Pwd=<S>;",
            "Driver={ODBC Driver 18 for SQL Server};Server=db;UID=sa;PWD=<S>;Encrypt=yes",
        ],
    ),
    place(
        "azure_connection",
        Recipe("{b86}=="),
        &[
            "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=<S>;EndpointSuffix=core.windows.net",
            "AccountEndpoint=https://acme.documents.azure.com:443/;AccountKey=<S>;",
        ],
    ),
    place(
        "azure_bus_connection",
        Recipe("{!b64 32}"),
        &[
            "Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=<S>",
            "HostName=acme.azure-devices.net;DeviceId=d1;SharedAccessKey=<S>",
        ],
    ),
    place(
        "go_dsn",
        Password,
        &["root:<W>@tcp(db:3306)/shop?parseTime=true", "app:<W>@tcp(127.0.0.1:3306)/shop"],
    ),
    place(
        "pg_keywords",
        Password,
        &[
            "host=db port=5432 user=app password=<W> dbname=shop sslmode=disable",
            "host=db user=app password='<X>' dbname=shop",
        ],
    ),
];
