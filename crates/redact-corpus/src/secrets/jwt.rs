//! JSON Web Tokens of many lengths.

use super::dice::Dice;
use super::encodings::base64url;

/// A token whose signature is that of `algorithm`, or `JWE` for an encrypted one. `service` gives the
/// claims of a service account of Kubernetes, `supabase` those of Supabase.
pub(super) fn make(algorithm: &str, dice: &mut Dice) -> String {
    let key = base64url(&dice.bytes(20));
    let (name, signature) = match algorithm {
        "ES256" => ("ES256", 64),
        "EdDSA" => ("EdDSA", 64),
        "RS256" | "service" | "app" => ("RS256", 256),
        "HS512" => ("HS512", 64),
        "JWE" => return encrypted(dice),
        _ => ("HS256", 32),
    };
    let header = match dice.roll(3) {
        _ if algorithm == "service" => format!("{{\"alg\":\"RS256\",\"kid\":\"{key}\"}}"),
        0 => format!("{{\"alg\":\"{name}\",\"typ\":\"JWT\"}}"),
        1 => format!("{{\"typ\":\"JWT\",\"alg\":\"{name}\"}}"),
        _ => format!("{{\"alg\":\"{name}\",\"kid\":\"{key}\",\"typ\":\"JWT\"}}"),
    };
    let claims = claims(algorithm, dice);
    let signature = base64url(&dice.bytes(signature));
    format!("{}.{}.{signature}", base64url(header.as_bytes()), base64url(claims.as_bytes()))
}

fn claims(algorithm: &str, dice: &mut Dice) -> String {
    let now = 1_760_000_000 + dice.roll(30_000_000);
    let id = dice.characters("0123456789abcdef", 32);
    match algorithm {
        "service" => format!(
            "{{\"iss\":\"kubernetes/serviceaccount\",\
             \"kubernetes.io/serviceaccount/namespace\":\"default\",\
             \"kubernetes.io/serviceaccount/secret.name\":\"deploy-token-{}\",\
             \"kubernetes.io/serviceaccount/service-account.name\":\"deploy\",\
             \"kubernetes.io/serviceaccount/service-account.uid\":\"{id}\",\
             \"sub\":\"system:serviceaccount:default:deploy\"}}",
            &id[..5]
        ),
        "supabase" => format!(
            "{{\"iss\":\"supabase\",\"ref\":\"{}\",\"role\":\"service_role\",\"iat\":{now},\
             \"exp\":{}}}",
            &id[..20],
            now + 315_360_000
        ),
        "app" => format!("{{\"iat\":{now},\"exp\":{},\"iss\":\"{}\"}}", now + 600, dice.roll(9999)),
        _ => {
            let more: String = (0..dice.roll(6))
                .map(|number| format!(",\"claim{number}\":\"{}\"", base64url(&dice.bytes(18))))
                .collect();
            format!("{{\"sub\":\"{}\",\"name\":\"Bob\",\"iat\":{now}{more}}}", dice.roll(1 << 30))
        }
    }
}

/// The compact form of an encrypted token: five parts.
fn encrypted(dice: &mut Dice) -> String {
    let header = base64url(b"{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}");
    let [key, start, content, tag] = [256, 12, 150, 16].map(|count| base64url(&dice.bytes(count)));
    format!("{header}.{key}.{start}.{content}.{tag}")
}
