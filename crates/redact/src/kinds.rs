//! The kinds of secret. Each has one row, with its stable name and the forms that its maker
//! publishes.
//!
//! A form consists of literal characters and of runs in braces. A run is a class and how often it
//! repeats: `{a36}` (exactly 36), `{d8-10}`, `{w20+}`. Characters before a `<` must be there, but
//! are not part of the secret. The classes are those of [`super::shape`], and `docs/redaction.md`
//! lists them all.

/// A check beyond the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// No check: the form is enough.
    None,
    /// The value has a digit, a lowercase and an uppercase letter. A name in code may have the same
    /// form.
    Mixed,
    /// The value does not look like words.
    Random,
    /// The value is base64 of `user:password`.
    Basic,
    /// The name of the maker stands before it, because ids may have the same form.
    Told(&'static str),
    /// No part of a longer name stands before it.
    Alone,
}

/// One kind of secret.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The name that replaces the secret in a text and is listed in `redacted`. It never changes.
    pub name: &'static str,
    /// The forms of the secret. Empty if code of its own finds it.
    pub shapes: &'static [&'static str],
    /// What else the secret must satisfy.
    pub check: Check,
}

const fn kind(name: &'static str, shapes: &'static [&'static str]) -> Kind {
    Kind { name, shapes, check: Check::None }
}

const fn mixed(name: &'static str, shapes: &'static [&'static str]) -> Kind {
    Kind { name, shapes, check: Check::Mixed }
}

/// The kinds that are found by code, by their index in [`KINDS`].
pub(super) const PRIVATE_KEY: usize = 0;
pub(super) const PGP_PRIVATE_KEY: usize = 1;
pub(super) const PUTTY_PRIVATE_KEY: usize = 2;
pub(super) const CARD_NUMBER: usize = 3;
pub(super) const PASSWORD: usize = 4;
pub(super) const SECRET: usize = 5;
pub(super) const DATABASE_PASSWORD: usize = 6;
pub(super) const URL_PASSWORD: usize = 7;
pub(super) const AWS_SECRET_KEY: usize = 8;
pub(super) const TWILIO_AUTH_TOKEN: usize = 9;
pub(super) const DATADOG_KEY: usize = 10;
pub(super) const MISTRAL_API_KEY: usize = 11;
pub(super) const COHERE_API_KEY: usize = 12;
pub(super) const CLOUDFLARE_GLOBAL_KEY: usize = 13;
pub(super) const SESSION_COOKIE: usize = 14;
pub(super) const RECOVERY_PHRASE: usize = 15;
pub(super) const OTP_SECRET: usize = 16;

/// Every kind. If two match the same characters, the first one wins.
pub const KINDS: &[Kind] = &[
    // Found by code: blocks, card numbers, and values after a telling name.
    kind("private_key", &[]),
    kind("pgp_private_key", &[]),
    kind("putty_private_key", &[]),
    kind("card_number", &[]),
    kind("password", &[]),
    kind("secret", &[]),
    kind("database_password", &[]),
    kind("url_password", &[]),
    kind("aws_secret_key", &[]),
    kind("twilio_auth_token", &[]),
    kind("datadog_key", &[]),
    kind("mistral_api_key", &[]),
    kind("cohere_api_key", &[]),
    kind("cloudflare_global_key", &[]),
    kind("session_cookie", &[]),
    kind("recovery_phrase", &[]),
    kind("otp_secret", &[]),
    // This relay.
    kind("nexus_session_key", &["nxk_{w43}"]),
    kind("nexus_agent_secret", &["nxs_{w43}"]),
    kind("nexus_seat", &["nxt_{w16+}"]),
    kind("nexus_link_key", &["k1{h40}"]),
    // Clouds.
    kind("aws_access_key", &["AKIA{u16}", "ASIA{u16}", "ABIA{u16}", "ACCA{u16}", "A3T{u17}"]),
    kind("aws_session_token", &["FwoGZXIvYXdz{b80+}{=0-2}", "IQoJb3JpZ2lu{b80+}{=0-2}"]),
    kind("aws_mws_token", &["amzn.mws.{h8}-{h4}-{h4}-{h4}-{h12}"]),
    kind("aws_bedrock_key", &["ABSK{b100+}{=0-2}", "bedrock-api-key-{b100+}{=0-2}"]),
    kind("google_api_key", &["AIza{w35}", "AQ.A{w40+}"]),
    kind("google_client_secret", &["GOCSPX-{w28}"]),
    kind("google_access_token", &["ya29.{v20+}"]),
    kind("google_refresh_token", &["1//0{w40+}"]),
    kind("azure_storage_key", &["AccountKey=<{b86}==", "{b76}+ASt{b6}=="]),
    kind(
        "azure_service_key",
        &[
            "SharedAccessKey=<{b43}=",
            "{b76}ACDb{b6}==",
            "{a42}AzSe{a6}",
            "{w44}AzFu{w6}==",
            "{b33}AzCa{b6}=",
            "{b33}+AEh{b6}=",
            "{b33}+ASb{b6}=",
            "{a42}+ACR{a6}",
            "{a52}JQQJ99{a18}ACOG{a4}",
        ],
    ),
    kind("azure_client_secret", &["{z3}{d1}Q~{z31+}"]),
    Kind {
        name: "azure_sas_signature",
        shapes: &["sig=<{%43+}", "sig=<{b43}=", "sig=<{w43}"],
        check: Check::Random,
    },
    kind("azure_devops_token", &["{a76}AZDO{a4}"]),
    kind("digitalocean_token", &["dop_v1_{h64}", "doo_v1_{h64}", "dor_v1_{h64}"]),
    mixed("alibaba_access_key", &["LTAI{a16}", "LTAI{a20}"]),
    mixed("tencent_secret_id", &["AKID{a32}"]),
    mixed("yandex_api_key", &["AQVN{w35+}"]),
    kind("cloudflare_api_token", &["cfut_{a40+}", "cfat_{a40+}", "cfk_{a40+}"]),
    kind("cloudflare_origin_key", &["v1.0-{h24}-{h146}"]),
    kind("heroku_api_key", &["HRKU-{w36+}"]),
    kind(
        "flyio_token",
        &["fo1_{w43}", "fm1a_{b80+}{=0-2}", "fm1r_{b80+}{=0-2}", "fm2_{b80+}{=0-2}"],
    ),
    mixed("vercel_token", &["vcp_{a24+}", "vci_{a24+}", "vca_{a24+}", "vcr_{a24+}", "vck_{a24+}"]),
    mixed("netlify_token", &["nfp_{a36}", "nfc_{a36}", "nfo_{a36}", "nfb_{a36}", "nfu_{a36}"]),
    kind("supabase_key", &["sbp_{h40}", "sbp_oauth_{h40}", "sb_secret_{w31}"]),
    kind("planetscale_token", &["pscale_tkn_{v32+}", "pscale_pw_{v32+}", "pscale_oauth_{v32+}"]),
    kind("neon_api_key", &["napi_{a40+}"]),
    kind("mongodb_atlas_secret", &["mdb_sa_sk_{w40}"]),
    kind(
        "tailscale_key",
        &[
            "tskey-auth-{w20+}",
            "tskey-api-{w20+}",
            "tskey-client-{w20+}",
            "tskey-scim-{w20+}",
            "tskey-webhook-{w20+}",
        ],
    ),
    kind("hashicorp_vault_token", &["hvs.{w24+}", "hvb.{w24+}", "hvr.{w24+}"]),
    kind("terraform_token", &["{a14}.atlasv1.{w60+}"]),
    kind(
        "doppler_token",
        &["dp.pt.{a40+}", "dp.ct.{a40+}", "dp.sa.{a40+}", "dp.scim.{a40+}", "dp.audit.{a40+}"],
    ),
    kind("doppler_service_token", &["dp.st.{a40+}", "dp.st.{w2-35}.{a40+}"]),
    kind("pulumi_token", &["pul-{h40}"]),
    kind("databricks_token", &["dapi{h32}", "dapi{h32}-{d1}", "dose{h32}"]),
    kind("openshift_token", &["sha256~{w43}"]),
    kind("okta_api_token", &["SSWS <{w40+}"]),
    // Hosts of source code, and registries of packages.
    kind(
        "github_token",
        &[
            "ghp_{a36+}",
            "gho_{a36+}",
            "ghu_{a36+}",
            "ghs_{a36+}",
            "ghr_{a36+}",
            "ghs_{d1+}_eyJ{w10+}.eyJ{w10+}.{w16+}",
            "ghu_{d1+}_eyJ{w10+}.eyJ{w10+}.{w16+}",
        ],
    ),
    kind("github_fine_grained_token", &["github_pat_{a22}_{a59}"]),
    kind(
        "gitlab_token",
        &[
            "glpat-{v20+}",
            "gldt-{w20+}",
            "glrt-{v20+}",
            "glrtr-{v20+}",
            "glcbt-{w20+}",
            "glptt-{w20+}",
            "glft-{w20+}",
            "glimt-{w20+}",
            "glagent-{w20+}",
            "gloas-{w20+}",
            "glsoat-{w20+}",
            "glffct-{w20+}",
            "GR1348941{w20}",
        ],
    ),
    kind("bitbucket_token", &["ATBB{a32}", "ATCTT3xFfG{w40+}", "ATCTT3xFfG{w40+}={H8}"]),
    kind("atlassian_token", &["ATATT3xFfG{w40+}", "ATATT3xFfG{w40+}={H8}"]),
    kind("sourcegraph_token", &["sgp_{h40}", "sgp_{h16}_{h40}", "sgp_local_{h40}"]),
    kind("circleci_token", &["CCIPAT_{a22}_{h40}", "CCIPRJ_{a22}_{h40}"]),
    kind("buildkite_token", &["bkua_{h40}"]),
    kind("sonarqube_token", &["sqp_{h40}", "squ_{h40}", "sqa_{h40}"]),
    kind("npm_token", &["npm_{a36}"]),
    kind("pypi_token", &["pypi-AgE{w50+}"]),
    mixed("crates_io_token", &["cio{a32}"]),
    kind("rubygems_key", &["rubygems_{h48}"]),
    kind("nuget_key", &["oy2{l43}"]),
    kind("docker_token", &["dckr_pat_{w27+}", "dckr_oat_{w27+}"]),
    mixed("jfrog_token", &["AKCp{a69}", "cmVmdGtuO{a50+}"]),
    kind("clojars_token", &["CLOJARS_{l60}"]),
    kind(
        "packagist_token",
        &["packagist_ort_{h40+}", "packagist_uut_{h40+}", "packagist_out_{h40+}"],
    ),
    // Language models.
    kind(
        "openai_api_key",
        &["sk-proj-{w40+}", "sk-svcacct-{w40+}", "sk-admin-{w40+}", "sk-None-{w40+}", "sk-{a48}"],
    ),
    kind("anthropic_api_key", &["sk-ant-{w40+}"]),
    kind("openrouter_api_key", &["sk-or-v1-{h64}"]),
    kind("deepseek_api_key", &["sk-{h32}"]),
    kind("groq_api_key", &["gsk_{a52}"]),
    kind("xai_api_key", &["xai-{a80}"]),
    kind("huggingface_token", &["hf_{a34}", "api_org_{a34}"]),
    kind("replicate_token", &["r8_{w37}"]),
    kind("perplexity_api_key", &["pplx-{a48}"]),
    mixed("fireworks_api_key", &["fw_{a22}", "fw_{a24}"]),
    kind("together_api_key", &["tgp_v1_{w43}"]),
    kind("nvidia_api_key", &["nvapi-{w60+}"]),
    kind("cerebras_api_key", &["csk-{l48}"]),
    kind("langsmith_api_key", &["lsv2_pt_{h32}_{h10}", "lsv2_sk_{h32}_{h10}"]),
    kind("langfuse_secret_key", &["sk-lf-{h8}-{h4}-{h4}-{h4}-{h12}"]),
    mixed("tavily_api_key", &["tvly-{a32}", "tvly-dev-{w32+}", "tvly-prod-{w32+}"]),
    kind("pinecone_api_key", &["pcsk_{w60+}"]),
    kind("elevenlabs_api_key", &["sk_{h48}"]),
    kind("e2b_api_key", &["e2b_{h40}"]),
    mixed("jina_api_key", &["jina_{w60}"]),
    kind("firecrawl_api_key", &["fc-{h32}"]),
    kind("apify_token", &["apify_api_{a36}"]),
    mixed("wandb_api_key", &["wandb_v1_{w40+}"]),
    // Chat.
    kind(
        "slack_token",
        &[
            "xoxb-{d9+}-{w10+}",
            "xoxp-{d9+}-{w10+}",
            "xoxa-{w10+}",
            "xoxr-{w10+}",
            "xoxs-{w10+}",
            "xoxo-{w10+}",
            "xoxc-{w10+}",
            "xoxd-{%20+}",
            "xoxe-{w20+}",
            "xoxe.xoxb-{w20+}",
            "xoxe.xoxp-{w20+}",
            "xapp-{d1}-{w30+}",
        ],
    ),
    kind(
        "slack_webhook",
        &[
            "hooks.slack.com/services/{b40+}",
            "hooks.slack.com/workflows/{b40+}",
            "hooks.slack.com/triggers/{b40+}",
        ],
    ),
    mixed(
        "discord_bot_token",
        &["M{w23+}.{w6}.{w27+}", "N{w23+}.{w6}.{w27+}", "O{w23+}.{w6}.{w27+}"],
    ),
    kind(
        "discord_webhook",
        &[
            "discord.com/api/webhooks/{d17+}/{w60+}",
            "discord.com/api/v{d1-2}/webhooks/{d17+}/{w60+}",
            "discordapp.com/api/webhooks/{d17+}/{w60+}",
            "discordapp.com/api/v{d1-2}/webhooks/{d17+}/{w60+}",
        ],
    ),
    kind(
        "telegram_bot_token",
        &["{d8}:AA{w33}", "{d9}:AA{w33}", "{d10}:AA{w33}", "bot<{d8-10}:AA{w33}"],
    ),
    kind(
        "teams_webhook",
        &["webhook.office.com/webhookb2/{p80+}", "outlook.office.com/webhook/{p80+}"],
    ),
    kind(
        "feishu_webhook",
        &[
            "open.feishu.cn/open-apis/bot/v2/hook/{w36}",
            "open.larksuite.com/open-apis/bot/v2/hook/{w36}",
        ],
    ),
    kind("wecom_webhook", &["qyapi.weixin.qq.com/cgi-bin/webhook/send?key={w36}"]),
    mixed(
        "matrix_token",
        &["syt_{w10+}", "syt_{w4+}_{a20}_{a6}", "mat_{a30}_{a6}", "mar_{a30}_{a6}"],
    ),
    // Payments and shops.
    kind(
        "stripe_secret_key",
        &["sk_live_{a16+}", "sk_test_{a16+}", "rk_live_{a16+}", "rk_test_{a16+}"],
    ),
    kind("stripe_webhook_secret", &["whsec_{b32+}{=0-2}"]),
    kind("square_access_token", &["EAAA{w60}", "sq0atp-{w22}"]),
    kind("square_client_secret", &["sq0csp-{w43}"]),
    kind("braintree_token", &["access_token$production${l16}${h32}"]),
    mixed("razorpay_key", &["rzp_live_{a14}", "rzp_test_{a14}"]),
    mixed("mollie_api_key", &["live_{a30}", "test_{a30}"]),
    kind(
        "plaid_token",
        &[
            "access-sandbox-{h8}-{h4}-{h4}-{h4}-{h12}",
            "access-production-{h8}-{h4}-{h4}-{h4}-{h12}",
            "access-development-{h8}-{h4}-{h4}-{h4}-{h12}",
        ],
    ),
    kind("flutterwave_key", &["FLWSECK-{l32}-X", "FLWSECK_TEST-{l32}-X"]),
    kind(
        "shopify_token",
        &["shpat_{H32}", "shpca_{H32}", "shppa_{H32}", "shpss_{H32}", "prtapi_{H32}"],
    ),
    kind("easypost_api_key", &["EZAK{a54}", "EZTK{a54}"]),
    kind("shippo_token", &["shippo_live_{h40}", "shippo_test_{h40}"]),
    kind("duffel_token", &["duffel_live_{w43}", "duffel_test_{w43}"]),
    // Mail and SMS.
    kind("sendgrid_api_key", &["SG.{w22}.{w43}"]),
    Kind {
        name: "mailgun_api_key",
        shapes: &["key-{h32}", "{h32}-{h8}-{h8}"],
        check: Check::Alone,
    },
    Kind {
        name: "mailchimp_api_key",
        shapes: &["{h32}-us{d1-2}"],
        check: Check::Told("mailchimp"),
    },
    kind("twilio_api_key", &["SK{h32}"]),
    kind("brevo_api_key", &["xkeysib-{h64}-{a16}", "xsmtpsib-{h64}-{a16}"]),
    mixed("resend_api_key", &["re_{a8}_{a24}"]),
    kind("mailersend_token", &["mlsn.{h64}"]),
    kind("klaviyo_api_key", &["pk_{h34}"]),
    // Tools that teams use.
    kind("notion_token", &["secret_{a43}", "ntn_{a46}"]),
    kind("linear_api_key", &["lin_api_{a40}", "lin_oauth_{h64}"]),
    kind("figma_token", &["figd_{w40+}"]),
    kind("postman_api_key", &["PMAK-{h24}-{h34}"]),
    kind("airtable_token", &["pat{a14}.{h64}"]),
    kind("dropbox_token", &["sl.{w100+}", "sl.u.{w100+}"]),
    kind("contentful_token", &["CFPAT-{w43}"]),
    kind(
        "hubspot_token",
        &[
            "pat-na1-{h8}-{h4}-{h4}-{h4}-{h12}",
            "pat-eu1-{h8}-{h4}-{h4}-{h4}-{h12}",
            "pat-na2-{h8}-{h4}-{h4}-{h4}-{h12}",
            "pat-ap1-{h8}-{h4}-{h4}-{h4}-{h12}",
        ],
    ),
    kind("typeform_token", &["tfp_{w40+}"]),
    kind("readme_api_key", &["rdme_{l70}"]),
    kind("adobe_client_secret", &["p8e-{w32}"]),
    mixed("facebook_access_token", &["EAA{a90+}"]),
    kind("mapbox_secret_token", &["sk.eyJ{w40+}.{w22}"]),
    kind("harness_token", &["pat.{w22}.{h24}.{a20}"]),
    kind("onepassword_token", &["ops_eyJ{w100+}"]),
    kind(
        "onepassword_secret_key",
        &["A3-{u6}-{u6}-{u5}-{u5}-{u5}-{u5}", "A3-{u6}-{u11}-{u5}-{u5}-{u5}"],
    ),
    // Monitoring.
    kind("newrelic_key", &["NRAK-{u27}", "NRII-{w32}", "NRJS-{h19}", "NRIQ-{w32}"]),
    kind("grafana_token", &["glc_{b32+}{=0-2}", "glsa_{a32}_{H8}", "eyJrIjoi{b60+}{=0-2}"]),
    kind("sentry_token", &["sntrys_eyJ{b40+}{=0-2}_{b43}", "sntryu_{h64}", "sntryi_{h64}"]),
    kind("dynatrace_token", &["dt0c01.{u24}.{u64}", "dt0s01.{u8+}.{u64}", "dt0s16.{u8+}.{u64}"]),
    kind("prefect_api_key", &["pnu_{a36}", "pnb_{a36}"]),
    // Beside these.
    kind(
        "encoded_private_key",
        &[
            "LS0tLS1CRUdJTiBSU0EgUFJJVkFURS{b40+}{=0-2}",
            "LS0tLS1CRUdJTiBQUklWQVRF{b40+}{=0-2}",
            "LS0tLS1CRUdJTiBFQyBQUklWQVRF{b40+}{=0-2}",
            "LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVEUg{b40+}{=0-2}",
            "LS0tLS1CRUdJTiBFTkNSWVBURUQgUFJJVkFURS{b40+}{=0-2}",
        ],
    ),
    kind("cloudflared_token", &["eyJhIjoi{w100+}{=0-2}"]),
    kind("google_authorization_code", &["4/0A{w60+}"]),
    kind("firebase_server_key", &["AAAA{w7}:APA91b{w130+}"]),
    kind("yandex_token", &["t1.9eu{w100+}.{w86}", "y0_Ag{w50+}"]),
    kind("netbird_token", &["nbp_{a36}"]),
    mixed("vault_old_token", &["s.{a24}", "s.{a24}.{a5}"]),
    kind("infisical_token", &["st.{h24}.{h32}.{h32}"]),
    kind("bitwarden_token", &["0.{h8}-{h4}-{h4}-{h4}-{h12}.{a30}:{b20+}{=0-2}"]),
    mixed("render_api_key", &["rnd_{a32}"]),
    mixed("backblaze_key", &["K00{d1}{b27}"]),
    kind("akamai_token", &["akab-{l16}-{l16}"]),
    mixed("infracost_api_key", &["ico-{a32}"]),
    mixed("confluent_secret", &["cflt{b60}"]),
    kind("convex_deploy_key", &["prod:{w5+}|{b60+}{=0-2}", "dev:{w5+}|{b60+}{=0-2}"]),
    kind("inngest_signing_key", &["signkey-prod-{h64}", "signkey-test-{h64}"]),
    mixed("deno_token", &["ddp_{a36}", "ddo_{a36}"]),
    mixed("dbt_token", &["dbtc_{w40}", "dbtu_{w40}"]),
    kind("appwrite_key", &["standard_{h256}"]),
    mixed("xata_api_key", &["xau_{a40}"]),
    kind("trello_token", &["ATTA{h64}{H8}"]),
    kind("checkly_api_key", &["cu_{h32}"]),
    mixed("trigger_dev_key", &["tr_dev_{a24}", "tr_prod_{a24}"]),
    kind("minisign_secret_key", &["RWRTY0Iy{b100+}{=0-2}"]),
    mixed("bitcoin_private_key", &["K{a51}", "L{a51}", "5{a50}", "xprv{a107}", "tprv{a107}"]),
    kind("nostr_secret_key", &["nsec1{l58}"]),
    mixed("tezos_secret_key", &["edsk{a50}"]),
    kind("stellar_secret_key", &["S{u55}"]),
    kind("infura_key", &["infura.io/v3/<{h32}"]),
    kind("alchemy_key", &["alchemy.com/v2/<{w32}"]),
    mixed("voyage_api_key", &["pa-{w43}"]),
    kind("meta_llama_key", &["LLM|{d10+}|{w27}"]),
    mixed("runpod_api_key", &["rpa_{u46}"]),
    mixed("modal_token_secret", &["as-{a22}"]),
    kind("helicone_api_key", &["sk-helicone-{l7}-{l7}-{l7}-{l7}"]),
    kind("browserbase_api_key", &["bb_live_{w27}"]),
    mixed("llamacloud_api_key", &["llx-{a48}"]),
    mixed("friendli_token", &["flp_{a46}"]),
    mixed("zhipu_api_key", &["{h32}.{a16}"]),
    mixed("mem0_api_key", &["m0-{a40}"]),
    kind("context7_api_key", &["ctx7sk-{h8}-{h4}-{h4}-{h4}-{h12}"]),
    kind("cursor_api_key", &["crsr_{h64}"]),
    kind("paypal_access_token", &["A21AA{w80+}"]),
    kind(
        "paddle_api_key",
        &["pdl_live_apikey_{l26}_{a22}_{a3}", "pdl_sdbx_apikey_{l26}_{a22}_{a3}"],
    ),
    mixed("gocardless_token", &["live_{w40}", "sandbox_{w40}"]),
    kind("lob_api_key", &["live_{h35}", "test_{h35}"]),
    kind("xendit_key", &["xnd_production_{a60}", "xnd_development_{a60}"]),
    mixed("discord_user_token", &["mfa.{w84}"]),
    kind(
        "google_chat_webhook",
        &["chat.googleapis.com/v1/spaces/{w1+}/messages?key={w35+}&token={w20+}"],
    ),
    kind(
        "ifttt_key",
        &[
            "maker.ifttt.com/trigger/{w1+}/with/key/{w20+}",
            "maker.ifttt.com/trigger/{w1+}/json/with/key/{w20+}",
        ],
    ),
    kind("zapier_webhook", &["hooks.zapier.com/hooks/catch/{d4+}/{w6+}"]),
    kind("dingtalk_webhook", &["oapi.dingtalk.com/robot/send?access_token=<{h64}"]),
    kind("twitch_token", &["oauth:{l30}"]),
    kind("twitter_bearer_token", &["AAAAAAAAAAAAAAAAAAAAA{%80+}"]),
    kind("facebook_app_token", &["{d15}|{w27}", "{d16}|{w27}"]),
    kind("instagram_token", &["IGQVJ{w100+}", "IGQWR{w100+}"]),
    mixed("mandrill_api_key", &["md-{w22}"]),
    kind("telnyx_api_key", &["KEY0{H31}_{a22}"]),
    kind("courier_api_key", &["pk_prod_{u28}", "pk_test_{u28}"]),
    kind("onesignal_api_key", &["os_v2_app_{l103}", "os_v2_org_{l103}"]),
    mixed("ably_api_key", &["{w6}.{w6}:{w43}"]),
    kind("intercom_token", &["dG9rO{b40+}{=0-2}"]),
    kind("asana_token", &["1/{d16}:{h32}", "2/{d16}/{d16}:{h32}"]),
    kind("clickup_token", &["pk_{d8}_{u32}"]),
    kind("cal_com_key", &["cal_live_{h32}", "cal_{h32}"]),
    mixed("posthog_key", &["phx_{a43}"]),
    mixed("statsig_secret", &["secret-{a43}"]),
    kind("launchdarkly_token", &["api-{h8}-{h4}-{h4}-{h4}-{h12}", "sdk-{h8}-{h4}-{h4}-{h4}-{h12}"]),
    mixed("flagsmith_key", &["ser.{a22}"]),
    kind("retool_token", &["retool_01{l32}"]),
    kind("stytch_secret", &["secret-live-{w36+}{=0-2}", "secret-test-{w36+}{=0-2}"]),
    mixed("salesforce_token", &["00D{a12}!{z80+}", "00D{a15}!{z80+}", "5Aep861{v70+}"]),
    kind("zoho_token", &["1000.{h32}.{h32}"]),
    kind("frameio_token", &["fio-u-{w64}"]),
    kind("liveblocks_key", &["sk_prod_{w64}", "sk_dev_{w64}"]),
    mixed("databento_key", &["db-{a29}"]),
    kind("newrelic_license_key", &["{h36}NRAL", "{h32}FFFFNRAL", "eu01xx{h30}NRAL"]),
    kind("honeycomb_key", &["hcaik_{l58}", "hcbik_{l58}", "hcxik_{l58}"]),
    kind("axiom_token", &["xaat-{h8}-{h4}-{h4}-{h4}-{h12}", "xapt-{h8}-{h4}-{h4}-{h4}-{h12}"]),
    // Forms that many systems use.
    kind("age_secret_key", &["AGE-SECRET-KEY-1{u58}", "AGE-SECRET-KEY-PQ-1{u58+}"]),
    kind("jwt", &["eyJ{w10+}.eyJ{w10+}.{w16+}"]),
    Kind {
        name: "bearer_token",
        shapes: &["Bearer <{t20+}{=0-2}", "bearer <{t20+}{=0-2}", "BEARER <{t20+}{=0-2}"],
        check: Check::Random,
    },
    Kind {
        name: "basic_auth",
        shapes: &["Basic <{b8+}{=0-2}", "basic <{b8+}{=0-2}", "BASIC <{b8+}{=0-2}"],
        check: Check::Basic,
    },
];
