//! Chat, mail, messages and social networks.

use super::super::form::{Form, known};

pub(super) const FORMS: &[Form] = &[
    known("slack_bot_token", &["xoxb-{d12}-{d13}-{a24}", "xoxb-{d11}-{a24}"]),
    known("slack_user_token", &["xoxp-{d12}-{d12}-{d13}-{h32}"]),
    known(
        "slack_workspace_token",
        &["xoxa-2-{d12}-{d12}-{d13}-{h32}", "xoxr-{d12}-{d12}-{d13}-{h32}"],
    ),
    known("slack_browser_token", &["xoxc-{d12}-{d12}-{d13}-{h64}", "xoxs-{d12}-{d12}-{d13}-{h64}"]),
    known("slack_cookie", &["xoxd-{a20}%2B{a40}%2F{a30}%2F{a20}%3D", "xoxd-{a60}%2B{a20}%3D%3D"]),
    known("slack_rotating_token", &["xoxe.xoxp-1-{a160}", "xoxe.xoxb-1-{a160}"]),
    known("slack_refresh_token", &["xoxe-1-{a147}"]),
    known("slack_app_token", &["xapp-1-A{u10}-{d13}-{h64}"]),
    known("slack_webhook", &["https://hooks.slack.com/services/T{u10}/B{u10}/<{a24}>"]),
    known(
        "slack_workflow_webhook",
        &[
            "https://hooks.slack.com/workflows/T{u10}/A{u10}/{d18}/<{a24}>",
            "https://hooks.slack.com/triggers/T{u10}/{d13}/<{h32}>",
        ],
    ),
    known(
        "discord_bot_token",
        &["{!ofu (d18)}.{w6}.{w38}", "{!ofu (d18)}.{w6}.{w27}", "MTE{w23}.{w6}.{w38}"],
    ),
    known("discord_user_token", &["mfa.{w84}"]),
    known(
        "discord_webhook",
        &[
            "https://discord.com/api/webhooks/{d18}/<{w68}>",
            "https://discord.com/api/webhooks/{d19}/<{w68}>",
            "https://discordapp.com/api/webhooks/{d18}/<{w68}>",
        ],
    ),
    known(
        "discord_versioned_webhook",
        &[
            "https://discord.com/api/v10/webhooks/{d19}/<{w68}>",
            "https://canary.discord.com/api/webhooks/{d19}/<{w68}>",
            "https://ptb.discord.com/api/v9/webhooks/{d18}/<{w68}>",
        ],
    ),
    known("telegram_bot_token", &["{d8}:AA{w33}", "{d9}:AA{w33}", "{d10}:AA{w33}"]),
    known("telegram_bot_address", &["https://api.telegram.org/bot<{d10}:AA{w33}>/sendMessage"]),
    known(
        "teams_webhook",
        &[
            "https://acme.webhook.office.com/webhookb2/{!uuid}@{!uuid}/IncomingWebhook/<{h32}/{!uuid}>",
            "https://acme.webhook.office.com/webhookb2/{!uuid}@{!uuid}/IncomingWebhook/<{h32}/{!uuid}/V2{w43}>",
        ],
    ),
    known(
        "power_automate_address",
        &[
            "https://prod-12.westeurope.logic.azure.com:443/workflows/{h32}/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=<{w43}>",
        ],
    ),
    known(
        "google_chat_webhook",
        &["https://chat.googleapis.com/v1/spaces/AAAAx/messages?key=AIzaSy{w33}&token=<{w43}>"],
    ),
    known(
        "feishu_webhook",
        &[
            "https://open.feishu.cn/open-apis/bot/v2/hook/<{!uuid}>",
            "https://open.larksuite.com/open-apis/bot/v2/hook/<{!uuid}>",
        ],
    ),
    known("wecom_webhook", &["https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=<{!uuid}>"]),
    known("dingtalk_webhook", &["https://oapi.dingtalk.com/robot/send?access_token=<{h64}>"]),
    known("zapier_webhook", &["https://<hooks.zapier.com/hooks/catch/{d7}/{l7}>/"]),
    known("ifttt_address", &["https://maker.ifttt.com/trigger/door/with/key/<{w22}>"]),
    known("matrix_token", &["syt_{!ofu (L6)}_{A20}_{a6}"]),
    known("matrix_session_token", &["mat_{a30}_{a6}", "mar_{a30}_{a6}"]),
    known("twitch_token", &["oauth:{l30}"]),
    known("twitter_bearer", &["AAAAAAAAAAAAAAAAAAAAA{a50}%2B{a10}%3D{a50}"]),
    known("facebook_access_token", &["EAACEdEose0cBA{a180}", "EAAG{a150-200}ZD"]),
    known("facebook_app_token", &["{d16}|{w27}"]),
    known("instagram_token", &["IGQVJ{w150}"]),
    known("sendgrid_api_key", &["SG.{w22}.{w43}"]),
    known("mailgun_api_key", &["key-{h32}", "{h32}-{h8}-{h8}"]),
    known("mailchimp_api_key", &["mailchimp: <{h32}-us{d1}>", "MAILCHIMP <{h32}-us1{d1}>"]),
    known("mandrill_api_key", &["md-{w22}"]),
    known("twilio_api_key", &["SK{h32}"]),
    known("telnyx_api_key", &["KEY0{H31}_{a22}"]),
    known("brevo_api_key", &["xkeysib-{h64}-{a16}", "xsmtpsib-{h64}-{a16}"]),
    known("resend_api_key", &["re_{a8}_{a24}"]),
    known("mailersend_token", &["mlsn.{h64}"]),
    known("klaviyo_api_key", &["pk_{h34}"]),
    known("courier_api_key", &["pk_prod_{u28}"]),
    known("onesignal_api_key", &["os_v2_app_{T103}"]),
    known("ably_api_key", &["{a6}.{a6}:{w43}"]),
    known("intercom_token", &["{!of tok:(h8)_(h4)_(h4)_(h4)_(h12):1:0}"]),
];
