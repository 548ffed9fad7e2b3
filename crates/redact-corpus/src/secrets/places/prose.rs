//! Sentences in many languages.

use super::super::form::{
    Form,
    Maker::{Key, Password, Weak},
    place,
};

pub(super) const FORMS: &[Form] = &[
    place(
        "english_is",
        Password,
        &[
            "my password is <X>",
            "the password for root is <X>",
            "Bob's password is <X>",
            "The new password is <X>",
        ],
    ),
    place(
        "english_colon",
        Password,
        &[
            "the password is: <X>",
            "here is the password: <X>",
            "Password: <X>",
            "login password - <X>",
            "pw: <X>",
        ],
    ),
    place(
        "english_quoted",
        Password,
        &[
            "the password is \"<X>\"",
            "use '<X>' as the password",
            "set the password to \"<X>\"",
            "log in with password `<X>`",
        ],
    ),
    place(
        "english_weak",
        Weak,
        &[
            "my password is <X>",
            "the password is: <X>",
            "password for the wifi is <X>",
            "log in as bob with the password <X>",
        ],
    ),
    place(
        "english_to",
        Password,
        &[
            "I changed the password to <X>",
            "the password was reset to <X>",
            "use password <X> to log in",
            "log in as bob / <X>",
            "credentials: bob / <X>",
        ],
    ),
    place(
        "english_api_key",
        Key,
        &[
            "API key is <X>",
            "the API key: <X>",
            "my api key is <X>",
            "here's the API key: <X>",
            "use this key: <X>",
        ],
    ),
    place(
        "english_token",
        Key,
        &[
            "here is the token: <X>",
            "the token is <X>",
            "access token: <X>",
            "the bot token is \"<X>\"",
            "use the token <X> for that",
        ],
    ),
    place(
        "english_secret",
        Key,
        &[
            "the client secret is <X>",
            "shared secret: <X>",
            "the webhook secret is `<X>`",
            "secret key is <X>",
            "the secret: <X>",
        ],
    ),
    place(
        "english_passphrase",
        Password,
        &["the passphrase is <X>", "passphrase: <X>", "the passphrase of the key is '<X>'"],
    ),
    place(
        "english_wifi",
        Password,
        &["WiFi password: <X>", "the wifi key is <X>", "Wi-Fi: Home, password: <X>"],
    ),
    place(
        "german",
        Password,
        &[
            "Passwort: <X>",
            "Das Passwort ist <X>",
            "mein Passwort lautet <X>",
            "Kennwort: <X>",
            "Das Kennwort lautet: <X>",
        ],
    ),
    place(
        "french",
        Password,
        &[
            "mot de passe : <X>",
            "Mot de passe: <X>",
            "le mot de passe est <X>",
            "voici le mot de passe : <X>",
        ],
    ),
    place(
        "spanish",
        Password,
        &["contraseña: <X>", "La contraseña es <X>", "mi contraseña es: <X>", "clave: <X>"],
    ),
    place(
        "portuguese",
        Password,
        &["senha: <X>", "A senha é <X>", "minha senha é: <X>", "palavra-passe: <X>"],
    ),
    place(
        "italian",
        Password,
        &["la password è <X>", "Password: <X>", "la mia password è: <X>", "parola d'ordine: <X>"],
    ),
    place(
        "dutch",
        Password,
        &["wachtwoord: <X>", "Het wachtwoord is <X>", "mijn wachtwoord is: <X>"],
    ),
    place("polish", Password, &["hasło: <X>", "Hasło to <X>", "moje hasło to: <X>"]),
    place(
        "russian",
        Password,
        &["пароль: <X>", "Пароль — <X>", "мой пароль: <X>", "пароль от базы: <X>"],
    ),
    place("ukrainian", Password, &["пароль: <X>", "Мій пароль: <X>"]),
    place(
        "japanese",
        Password,
        &["パスワード: <X>", "パスワードは<X>です", "パスワード：<X>", "パスワードは「<W>」です"],
    ),
    place("chinese", Password, &["密码: <X>", "密码是<X>", "密码：<X>", "我的密码是 <X>"]),
    place("taiwanese", Password, &["密碼: <X>", "密碼是<X>", "密碼：<X>"]),
    place("korean", Password, &["비밀번호: <X>", "비밀번호는 <X> 입니다", "비밀번호 : <X>"]),
    place("turkish", Password, &["şifre: <X>", "Şifrem: <X>", "parola: <X>"]),
    place("swedish", Password, &["lösenord: <X>", "Lösenordet är <X>", "mitt lösenord är: <X>"]),
    place(
        "norwegian_danish",
        Password,
        &["passord: <X>", "Passordet er <X>", "adgangskode: <X>", "Adgangskoden er <X>"],
    ),
    place("finnish", Password, &["salasana: <X>", "Salasana on <X>"]),
    place("czech_slovak", Password, &["heslo: <X>", "Heslo je <X>", "moje heslo: <X>"]),
    place("hungarian", Password, &["jelszó: <X>", "A jelszó: <X>"]),
    place("romanian", Password, &["parola: <X>", "Parola este <X>", "parola mea: <X>"]),
    place("greek", Password, &["κωδικός: <X>", "Ο κωδικός είναι <X>", "κωδικός πρόσβασης: <X>"]),
    place("vietnamese", Password, &["mật khẩu: <X>", "Mật khẩu là <X>"]),
    place("indonesian", Password, &["kata sandi: <X>", "Kata sandinya: <X>"]),
    place("arabic", Password, &["كلمة المرور: <X>", "كلمة السر: <X>"]),
    place("hebrew", Password, &["סיסמה: <X>", "הסיסמה היא <X>"]),
    place("hindi", Password, &["पासवर्ड: <X>", "पासवर्ड है <X>"]),
    place("thai", Password, &["รหัสผ่าน: <X>", "รหัสผ่านคือ <X>"]),
    place(
        "other_language_keys",
        Key,
        &[
            "API-Schlüssel: <X>",
            "clé API : <X>",
            "clave de API: <X>",
            "chave de API: <X>",
            "API密钥：<X>",
            "ключ API: <X>",
            "APIキー: <X>",
        ],
    ),
];
