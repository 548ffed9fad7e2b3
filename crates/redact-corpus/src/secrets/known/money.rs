//! Payments and shops.

use super::super::form::{Form, known};

pub(super) const FORMS: &[Form] = &[
    known("stripe_secret_key", &["sk_live_51{a97}", "sk_live_{a24}"]),
    known("stripe_test_key", &["sk_test_51{a97}", "sk_test_{a24}"]),
    known("stripe_restricted_key", &["rk_live_51{a97}", "rk_test_{a24}"]),
    known("stripe_webhook_secret", &["whsec_{a32}"]),
    known("standard_webhook_secret", &["whsec_{!b64 24}", "whsec_{!b64 32}"]),
    known("square_access_token", &["EAAA{w60}"]),
    known("square_old_token", &["sq0atp-{w22}"]),
    known("square_client_secret", &["sq0csp-{w43}"]),
    known("paypal_access_token", &["A21AA{w92}"]),
    known("braintree_token", &["access_token$production${l16}${h32}"]),
    known("razorpay_key", &["rzp_live_{a14}", "rzp_test_{a14}"]),
    known("mollie_api_key", &["live_{a30}", "test_{a30}"]),
    known("plaid_token", &["access-sandbox-{!uuid}", "access-production-{!uuid}"]),
    known("plaid_development_token", &["access-development-{!uuid}"]),
    known("flutterwave_key", &["FLWSECK-{h32}-X", "FLWSECK_TEST-{h32}-X"]),
    known("shopify_token", &["shpat_{h32}", "shpca_{h32}"]),
    known("shopify_app_secret", &["shppa_{h32}", "shpss_{h32}"]),
    known("shopify_partner_token", &["prtapi_{h32}"]),
    known("easypost_api_key", &["EZAK{a54}", "EZTK{a54}"]),
    known("shippo_token", &["shippo_live_{h40}", "shippo_test_{h40}"]),
    known("duffel_token", &["duffel_live_{w43}", "duffel_test_{w43}"]),
    known("paystack_key", &["sk_live_{h40}"]),
    known("clerk_secret_key", &["sk_live_{a42}", "sk_test_{a42}"]),
    known(
        "paddle_api_key",
        &["pdl_live_apikey_{l26}_{a22}_{a3}", "pdl_sdbx_apikey_{l26}_{a22}_{a3}"],
    ),
    known("gocardless_token", &["live_{w40}"]),
    known("lob_api_key", &["live_{h35}", "test_{h35}"]),
    known("xendit_key", &["xnd_production_{a60}", "xnd_development_{a60}"]),
];
