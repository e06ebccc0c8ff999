//! The secrets, and a repository that holds them.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A secret, in the line that it stands in.
pub(crate) struct Secret {
    /// What must not be found.
    pub value: String,
    pub line: String,
}

/// No secret: it must be found, or the search finds nothing.
pub(crate) const MARKER: &str = "harmless+words/4711";

/// Put together here, so that no scanner takes this file for a leak.
pub(crate) fn secrets() -> Vec<Secret> {
    let token = |start: [&str; 2], rest: &str| format!("{}{}{rest}", start[0], start[1]);
    let mut secrets = Vec::new();
    let mut plant = |value: &str, line: &str| {
        secrets.push(Secret { value: value.to_owned(), line: line.replace("{}", value) });
    };
    plant(&token(["AK", "IA"], "Q3EGRLW2ZT5NHB7X"), "aws_access_key_id = {}");
    plant("f9Kd2+sXw/7QpLm3Zt8RbVn5Yc1Hj6Ug4Ea0TiOq", "aws_secret_access_key = {}");
    plant(&token(["gh", "p_"], "Zk7Qw2Xr9Tn4Vb6Mc1Ls8Pd3Hf5Jg0Ya2Ue7"), "github = '{}'");
    plant(&token(["gl", "pat-"], "xQ7mZt3RkW9pLs5VbN2c"), "gitlab: {}");
    plant(&token(["xo", "xb-"], "283746519283-2837465192837-Qm7Zt3RkW9pLs5VbN2cXy8Ad"), "slack({})");
    plant(&token(["sk_", "live_"], "9Tn4Vb6Mc1Ls8Pd3Hf5Jg0Ya"), "stripe <{}>");
    plant(&token(["AI", "za"], "SyD7mZt3RkW9pLs5VbN2cXy8Ad4Fg6Hj1Kl"), "https://maps.example.com/api?key={}");
    plant(&token(["np", "m_"], "Zk7Qw2Xr9Tn4Vb6Mc1Ls8Pd3Hf5Jg0Ya2Ue7"), "//registry.npmjs.org/:_authToken={}");
    plant(&token(["py", "pi-"], "AgEIcHlwaS5vcmcCJDdtWnQzUmtXOXBMczVWYk4yY1h5OEFkNEZnNkhqMUts"), "upload with {}");
    plant(&token(["S", "G."], "m7Zt3RkW9pLs5VbN2cXy8A.d4Fg6Hj1KlQw7Er9Ty2Ui5Op8As3Df6Gh1Jk4Lz7X"), "mail through {}");
    plant(&token(["S", "K"], "7d1e9a3c5b8f2046e1d3c5a7b9f80214"), "twilio {}");
    plant("Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3A3Wnd4eXo=", "AccountName=shop;AccountKey={};EndpointSuffix=x");
    plant(&token(["sk", "-proj-"], "Qm7Zt3RkW9pLs5VbN2cXy8Ad4Fg6Hj1KlQw7Er9Ty2Ui5Op"), "ask {} for it");
    plant(
        &token(["ey", "J"], "hbGciOiJIUzI1NiJ9.eyJzdWIiOiI3NDExOTgyNDYwIn0.m7Zt3RkW9pLs5VbN2cXy8Ad4Fg6Hj1KlQw7Er9Ty2U"),
        "session {}",
    );
    plant("dbGeheim-Zt3RkW9p", "postgres://shop:{}@db.example.com:5432/shop");
    plant("Zt3RkW9pLs5VbN2cXy8Ad4Fg6Hj1Kl", "Authorization: Bearer {}");
    plant("correct-horse-7411-battery", r#"password = "{}""#);
    plant("Ls5VbN2cXy8Ad4Fg", "client_secret: {}");
    plant("zweites-Geheimnis!42", "DB_PASSWORD='{}'");
    let login = STANDARD.encode("shop:basic-Geheimnis-77");
    secrets.push(Secret { value: "basic-Geheimnis-77".to_owned(), line: format!("Authorization: Basic {login}") });
    secrets
}

/// The body of a private key, line by line.
pub(crate) const KEY: [&str; 3] = [
    "MIIEowIBAAKCAQEAu9PqYh4TzLd2Wv7NcRb5XsKe8Jf3GmAo6Ui1Qx0Ht5Zy4Bw7",
    "s3Df6Gh1Jk4Lz7XcVbNm0QwErTyUiOpAsDfGhJkLzXcVbNm1Qw2Er3Ty4Ui5Op6A",
    "s7Df8Gh9Jk0LzAbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOp",
];

/// All lines, the key last.
pub(crate) fn lines() -> Vec<String> {
    let mut lines: Vec<String> = secrets().into_iter().map(|secret| secret.line).collect();
    lines.extend(
        ["-----BEGIN RSA PRIVATE KEY-----"]
            .into_iter()
            .chain(KEY)
            .chain(["-----END RSA PRIVATE KEY-----"])
            .map(String::from),
    );
    lines
}

/// What must not be found: the secrets, and the key's lines.
pub(crate) fn values() -> Vec<String> {
    secrets().into_iter().map(|secret| secret.value).chain(KEY.map(String::from)).collect()
}

/// A text as it is, as it stands in base64 at any place of what was encoded, and as an address has it.
pub(crate) fn forms(text: &str) -> Vec<String> {
    let encoded = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    let mut forms = vec![text.to_owned(), encoded.collect()];
    for before in 0..3 {
        let whole = STANDARD.encode([&vec![b'x'; before], text.as_bytes()].concat());
        // Characters that hold bits of this text alone.
        forms.push(whole[(before * 8).div_ceil(6)..(before + text.len()) * 8 / 6].to_owned());
    }
    forms.sort();
    forms.dedup();
    forms
}

/// A repository with the secrets in files of many kinds.
pub(crate) fn repository(root: &Path) {
    let lines = lines();
    let secrets = secrets();
    let write = |path: &str, content: String| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    write("config/shop.ini", format!("# {MARKER}\n[shop]\n{}\n", lines.join("\n")));
    write(
        "config/.env",
        secrets
            .iter()
            .enumerate()
            .fold(String::new(), |file, (i, secret)| file + &format!("TOKEN_{i}={}\n", secret.value)),
    );
    write(
        "deploy/id_rsa",
        format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", KEY.join("\n")),
    );
    let assigned = secrets.iter().enumerate().map(|(i, secret)| format!("    password_{i} = \"{}\"\n", secret.value));
    let commented = lines.iter().map(|line| format!("    # {line}\n    assert subprocess.call(f, shell=True)\n"));
    write(
        "app.py",
        format!(
            "import subprocess\n\n\ndef run(f):  # {MARKER}\n{}{}",
            assigned.collect::<String>(),
            commented.collect::<String>()
        ),
    );
    let env = secrets
        .iter()
        .enumerate()
        .map(|(i, secret)| format!("ENV SECRET_{i}=\"{}\"\nRUN cd /tmp && curl x | sh\n", secret.value));
    write("Dockerfile", format!("FROM debian:latest\n# {MARKER}\n{}USER root\n", env.collect::<String>()));
    let steps = secrets.iter().map(|secret| {
        format!(
            "      - run: echo ${{{{ github.event.issue.title }}}}\n        env:\n          TOKEN: {:?}\n",
            secret.value
        )
    });
    write(
        ".github/workflows/ci.yml",
        format!(
            "on: issues\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: actions/checkout@v1\n{}",
            steps.collect::<String>()
        ),
    );
    let resources = secrets.iter().enumerate().map(|(i, secret)| {
        format!(
            "resource \"aws_db_instance\" \"db{i}\" {{\n  password = {:?}\n  storage_encrypted = false\n}}\n",
            secret.value
        )
    });
    write("main.tf", resources.collect());
}
