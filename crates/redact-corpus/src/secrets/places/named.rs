//! Keys without a form of their own, named by their issuer.

use super::super::form::{Form, Maker::Recipe, place};

pub(super) const FORMS: &[Form] = &[
    place(
        "recovery_phrase",
        Recipe("{L5} {L4} {L6} {L7} {L5} {L4} {L6} {L8} {L5} {L4} {L6} {L7}"),
        &["\"mnemonic\": \"<X>\"", "seed_phrase = \"<X>\"", "MNEMONIC=\"<X>\""],
    ),
    place(
        "aws_secret_key",
        Recipe("{b40}"),
        &[
            "AWS_SECRET_ACCESS_KEY=<X>",
            "aws_secret_access_key = <X>",
            "\"SecretAccessKey\": \"<X>\"",
            "secretAccessKey: '<X>'",
            "export AWS_SECRET_ACCESS_KEY=\"<X>\"",
        ],
    ),
    place(
        "twilio_auth_token",
        Recipe("{h32}"),
        &["TWILIO_AUTH_TOKEN=<X>", "authToken = '<X>'", "new Twilio(sid, authToken: \"<X>\")"],
    ),
    place(
        "datadog_key",
        Recipe("{h32}"),
        &["DD_API_KEY=<X>", "DATADOG_API_KEY: <X>", "api_key: <X>"],
    ),
    place(
        "datadog_app_key",
        Recipe("{h40}"),
        &["DD_APP_KEY=<X>", "DATADOG_APP_KEY='<X>'", "app_key: <X>"],
    ),
    place("mistral_api_key", Recipe("{a32}"), &["MISTRAL_API_KEY=<X>", "mistral_api_key: \"<X>\""]),
    place(
        "cohere_api_key",
        Recipe("{a40}"),
        &["COHERE_API_KEY=<X>", "CO_API_KEY=<X>", "cohere.Client(api_key='<X>')"],
    ),
    place(
        "cloudflare_key",
        Recipe("{h37}"),
        &["CLOUDFLARE_API_KEY=<X>", "CF_API_KEY=<X>", "X-Auth-Key: <X>"],
    ),
    place(
        "cloudflare_token",
        Recipe("{w40}"),
        &["CLOUDFLARE_API_TOKEN=<X>", "CF_API_TOKEN=<X>", "api_token = \"<X>\""],
    ),
    place(
        "azure_secret_named",
        Recipe("{a40}"),
        &["AZURE_CLIENT_SECRET=<X>", "ARM_CLIENT_SECRET=\"<X>\"", "clientSecret: <X>"],
    ),
    place(
        "azure_openai_key",
        Recipe("{h32}"),
        &["AZURE_OPENAI_API_KEY=<X>", "AZURE_OPENAI_KEY=\"<X>\"", "api-key: <X>"],
    ),
    place(
        "azure_devops_old_token",
        Recipe("{T52}"),
        &["AZURE_DEVOPS_EXT_PAT=<X>", "SYSTEM_ACCESSTOKEN=<X>", "AZP_TOKEN=<X>"],
    ),
    place(
        "linode_token",
        Recipe("{h64}"),
        &["LINODE_TOKEN=<X>", "LINODE_CLI_TOKEN=<X>", "linode_token: <X>"],
    ),
    place("hetzner_token", Recipe("{a64}"), &["HCLOUD_TOKEN=<X>", "hcloud_token = \"<X>\""]),
    place("vultr_key", Recipe("{u36}"), &["VULTR_API_KEY=<X>", "vultr_api_key: <X>"]),
    place(
        "fastly_token",
        Recipe("{w32}"),
        &["FASTLY_API_TOKEN=<X>", "Fastly-Key: <X>", "FASTLY_API_KEY='<X>'"],
    ),
    place(
        "algolia_key",
        Recipe("{h32}"),
        &["ALGOLIA_ADMIN_KEY=<X>", "ALGOLIA_API_KEY=<X>", "X-Algolia-API-Key: <X>"],
    ),
    place("auth0_secret", Recipe("{w64}"), &["AUTH0_CLIENT_SECRET=<X>", "AUTH0_SECRET='<X>'"]),
    place(
        "okta_token_named",
        Recipe("00{w40}"),
        &["OKTA_API_TOKEN=<X>", "OKTA_CLIENT_TOKEN=\"<X>\""],
    ),
    place(
        "spotify_secret",
        Recipe("{h32}"),
        &["SPOTIFY_CLIENT_SECRET=<X>", "spotify_client_secret: '<X>'"],
    ),
    place(
        "twitter_secret",
        Recipe("{a50}"),
        &[
            "TWITTER_API_SECRET=<X>",
            "TWITTER_ACCESS_TOKEN_SECRET=<X>",
            "consumer_secret = '<X>'",
            "X_API_SECRET=<X>",
        ],
    ),
    place(
        "pagerduty_key",
        Recipe("{w20}"),
        &["PAGERDUTY_API_KEY=<X>", "PD_TOKEN=<X>", "Authorization: Token token=<X>"],
    ),
    place(
        "pagerduty_routing",
        Recipe("{h32}"),
        &["routing_key: <X>", "PAGERDUTY_ROUTING_KEY=<X>", "\"routing_key\": \"<X>\""],
    ),
    place(
        "splunk_hec",
        Recipe("{!uuid}"),
        &["Authorization: Splunk <X>", "SPLUNK_HEC_TOKEN=<X>", "hec_token: <X>"],
    ),
    place(
        "openweather_key",
        Recipe("{h32}"),
        &[
            "OPENWEATHER_API_KEY=<X>",
            "https://api.openweathermap.org/data/2.5/weather?q=Oslo&appid=<X>",
        ],
    ),
    place(
        "binance_secret",
        Recipe("{a64}"),
        &["BINANCE_API_SECRET=<X>", "binance_secret_key: <X>"],
    ),
    place(
        "kraken_secret",
        Recipe("{!b64 64}"),
        &["KRAKEN_API_SECRET=<X>", "KRAKEN_PRIVATE_KEY=\"<X>\""],
    ),
    place("etherscan_key", Recipe("{u34}"), &["ETHERSCAN_API_KEY=<X>", "apikey=<X>"]),
    place("deepgram_key", Recipe("{h40}"), &["DEEPGRAM_API_KEY=<X>", "Authorization: Token <X>"]),
    place(
        "assemblyai_key",
        Recipe("{h32}"),
        &["ASSEMBLYAI_API_KEY=<X>", "aai.settings.api_key = \"<X>\""],
    ),
    place("serper_key", Recipe("{h40}"), &["SERPER_API_KEY=<X>", "X-API-KEY: <X>"]),
    place(
        "exa_key",
        Recipe("{!uuid}"),
        &["EXA_API_KEY=<X>", "x-api-key: <X>", "Exa(api_key='<X>')"],
    ),
    place("brave_key", Recipe("BSA{w28}"), &["BRAVE_API_KEY=<X>", "X-Subscription-Token: <X>"]),
    place("travis_token", Recipe("{w22}"), &["TRAVIS_TOKEN=<X>", "TRAVIS_API_TOKEN=<X>"]),
    place(
        "codecov_token",
        Recipe("{!uuid}"),
        &["CODECOV_TOKEN=<X>", "codecov -t <W>", "token: <X>"],
    ),
    place(
        "mailjet_secret",
        Recipe("{h32}"),
        &["MJ_APIKEY_PRIVATE=<X>", "MAILJET_SECRET_KEY=<X>", "MAILJET_API_SECRET=<X>"],
    ),
    place(
        "ses_smtp",
        Recipe("B{b43}"),
        &["SMTP_PASSWORD=<X>", "SES_SMTP_PASSWORD=<X>", "smtp_password = \"<X>\""],
    ),
    place(
        "gmail_app_password",
        Recipe("{L16}"),
        &["GMAIL_APP_PASSWORD=<X>", "EMAIL_HOST_PASSWORD = '<X>'", "app password: <X>"],
    ),
    place(
        "zendesk_token",
        Recipe("{a40}"),
        &[
            "ZENDESK_API_TOKEN=<X>",
            "curl -u bob@example.com/token:<W> https://acme.zendesk.com/api/v2/tickets.json",
        ],
    ),
    place("jira_old_token", Recipe("{a24}"), &["JIRA_API_TOKEN=<X>", "CONFLUENCE_TOKEN=<X>"]),
    place(
        "jenkins_token",
        Recipe("11{h32}"),
        &["JENKINS_API_TOKEN=<X>", "curl -u bob:<W> https://ci.example.com/job/x/build"],
    ),
    place(
        "gitea_token",
        Recipe("{h40}"),
        &["GITEA_TOKEN=<X>", "Authorization: token <X>", "FORGEJO_TOKEN=<X>"],
    ),
    place("pusher_secret", Recipe("{h20}"), &["PUSHER_APP_SECRET=<X>", "PUSHER_SECRET=\"<X>\""]),
    place(
        "supabase_jwt_secret",
        Recipe("{!b64 64}"),
        &["SUPABASE_JWT_SECRET=<X>", "JWT_SECRET=\"<X>\""],
    ),
    place(
        "upstash_token",
        Recipe("A{b57}="),
        &["UPSTASH_REDIS_REST_TOKEN=<X>", "UPSTASH_REDIS_REST_TOKEN=\"<X>\""],
    ),
    place(
        "ngrok_token",
        Recipe("2{a26}_{a20}"),
        &["ngrok config add-authtoken <W>", "NGROK_AUTHTOKEN=<X>", "authtoken: <X>"],
    ),
    place(
        "cloudflared_token",
        Recipe("eyJhIjoi{w150}"),
        &[
            "cloudflared service install <W>",
            "cloudflared tunnel run --token <W>",
            "TUNNEL_TOKEN=<X>",
        ],
    ),
    place(
        "consul_token",
        Recipe("{!uuid}"),
        &["CONSUL_HTTP_TOKEN=<X>", "X-Consul-Token: <X>", "NOMAD_TOKEN=<X>"],
    ),
    place("vault_unseal", Recipe("{!b64 33}"), &["Unseal Key 1: <X>", "vault operator unseal <W>"]),
    place("kubeadm_token", Recipe("{l6}.{l16}"), &["kubeadm join 10.0.0.1:6443 --token <W>"]),
    place(
        "recovery_code",
        Recipe("{l5}-{l5}"),
        &["recovery code: <X>", "backup code: <X>", "2FA recovery code: <X>"],
    ),
    place(
        "totp_seed",
        Recipe("{t32}"),
        &["TOTP secret: <X>", "TOTP_SECRET=<X>", "oathtool --totp -b <W>"],
    ),
];
