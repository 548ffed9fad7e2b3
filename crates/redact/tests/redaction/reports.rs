//! What users reported: secrets that went through, and texts that were cut. `{P}` and the like stand for
//! values that are put in when the tests run.

use super::text;

const VALUES: [(&str, &str); 9] = [
    ("{P}", concat!("S3cr3t", "P@ss!9")),
    ("{L}", concat!("kR7pQ2vX", "9mLwT4sZ")),
    ("{W}", concat!("hunter2", "hunter2")),
    ("{U}", concat!("Über", "maß#2024x")),
    ("{S}", concat!("aB3)x,Y7", ";kQ9&zT")),
    ("{K}", concat!("kqzvbwpx", "mrtjdhglfnsy")),
    ("{H}", concat!("9f86d081884c7d65", "9a2feaa0c55ad015")),
    ("{G}", concat!("7c9e6679-7425-40de", "-944b-e07fc1f90ae7")),
    ("{O}", concat!("JBSWY3DP", "EHPKAPXP")),
];

#[test]
fn what_went_through_is_found_whole() {
    let header = concat!("eyJhbGciOiJSUzI1Ni", "IsInR5cCI6IkpXVCJ9");
    let payload = concat!("eyJpc3MiOiIx", "MjM0NTY3In0");
    let long = "c2lnbmF0dXJl".repeat(30);
    for signature in ["c2lnbmF0dXJlX2Zha2U", &long] {
        let token = format!("ghs_1234567_{header}.{payload}.{signature}");
        assert_eq!(text(&token).0, "[REDACTED:github_token]");
        assert_eq!(text(&format!("\u{1b}[32m{token}")).0, "\u{1b}[32m[REDACTED:github_token]");
    }
    for line in [
        "tool --password {P}",
        "tool --password={P}",
        "tool -p {L}",
        "curl -u deploy:{P} https://host.example/",
        "curl --user 'deploy:{P}' https://host.example/",
        "sshpass -p '{P}' ssh host",
        "machine host.example login bob password {P}",
        "host.example:5432:app:bob:{P}",
        "Cookie: theme=dark; sessionid={H}; lang=de",
        "Set-Cookie: session={H}; Path=/; HttpOnly",
        r#"{"name":"DB_PASSWORD","value":"{P}"}"#,
        r#"{"value":"{P}","name":"DB_PASSWORD"}"#,
        "- name: DB_PASSWORD\n  value: {P}",
        "<password>{P}</password>",
        "DB_PASSWORD={S}",
        "export DB_PASSWORD={S}",
        "otpauth://totp/x?secret={O}&issuer=y",
        "APP_KEY=base64:{L}{L}{L}=",
        "client_secret={K}",
        "HEROKU_API_KEY={G}",
        "Ocp-Apim-Subscription-Key: {H}",
        "PresharedKey = {L}{L}{L}=",
        "password: {W}",
        "my password is {W}",
        "Passwort: {U}",
        "mot de passe : {P}",
        "la contraseña es {P}",
        "пароль: {P}",
        "密码是{P}。",
        "パスワードは{W}です",
    ] {
        let mark = |kind: &str| {
            let put = |text: String, (name, _): &(&str, &str)| text.replace(name, kind);
            let line = line.replace("{L}{L}{L}=", kind);
            VALUES.iter().fold(line, put)
        };
        let whole = VALUES.iter().fold(line.to_owned(), |text, (name, it)| text.replace(name, it));
        let clean = text(&whole).0;
        let kinds = ["password", "secret", "session_cookie", "otp_secret", "database_password"];
        let expected: Vec<_> = kinds.map(|kind| mark(&format!("[REDACTED:{kind}]"))).into();
        assert!(expected.contains(&clean), "{line}: {clean}");
    }
    let hook =
        format!("https://discord.com/api/v10/webhooks/{}/{}", "1".repeat(18), "aB3".repeat(23));
    assert_eq!(text(&hook).0, "https://[REDACTED:discord_webhook]");
}

#[test]
fn one_of_four_random_keys_is_no_longer_missed() {
    let mut dice = crate::samples::Dice::new(11);
    for length in [16, 24, 32, 48] {
        let found = (0..1000).filter(|_| {
            let key = format!("API_KEY={}", dice.characters(b'a', length));
            text(&key).0 == "API_KEY=[REDACTED:secret]"
        });
        let found = found.count();
        assert!(found >= 995, "{found} of 1000 of {length} characters");
    }
}

#[test]
fn what_was_cut_stays() {
    for line in [
        "https://us02web.zoom.us/j/81234567890?pwd=UWdKc2ZQbTlFM1BQc3dVd2hFZz09",
        r#"{"nextPageToken": "CAUQAA8f3kR7pQ2vX9mLwT4sZ"}"#,
        "continuationToken=kR7pQ2vX9mLwT4sZkR7pQ2vX9mLw",
        r#"{"token":"0x52908400098527886E0F7030069857D2E4169EE7"}"#,
        "tokenMint=7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU",
        r#""SecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-x7k9q2""#,
        "secretName: app-tls-2024-x7k9q2",
        "cache-key-d41d8cd98f00b204e9800998ecf8427e",
        "9e107d9d372bb6826bd81d3542a419d6-us1",
        "4242 4242 4242 4242",
        "deviceToken=740f4707bebcf74f9b7c25d48e3358945f6aa01da5ddb387462c7eaf61bb78ad",
        r#""credentialId":"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA8kR7p""#,
    ] {
        assert_eq!(text(line).0, line);
    }
    // A text that its sender encrypted, also as the value of a name that tells.
    let header = concat!("eyJhbGciOiJkaXIi", "LCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0");
    let jwe = format!("{header}..48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzO.XFBoMYUZodetZdvT");
    for line in [jwe.clone(), format!("token={jwe}"), format!("{{\"secret\":\"{jwe}\"}}")] {
        assert_eq!(text(&line).0, line);
    }
}
